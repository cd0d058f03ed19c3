"""The ``if`` expressions decide which outputs are made, so they follow Coconut's documentation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devstack.coconut.expressions import parse_condition

FACTS = {"input.width": 1920.0, "input.height": 1080.0, "input.duration": 4.5}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("{{ input.width }} >= 1920", True),
        ("{{ input.width }} < 1920", False),
        ("{{input.height}}=1080", True),
        ("{{ input.height }} != 1080", False),
        ("{{ input.height }} <> 720", True),
        ("{{ input.duration }} <= 4.5", True),
        ("720 < {{ input.height }}", True),
        ("{{ input.width }} > {{ input.height }}", True),
        ("NOT {{ input.width }} > 1920", True),
        ("NOT NOT {{ input.width }} = 1920", True),
        ("{{ input.width }} >= 1920 AND {{ input.height }} >= 1081", False),
        ("{{ input.width }} >= 1920 OR {{ input.height }} >= 1081", True),
    ],
)
def test_an_expression_is_evaluated(text: str, *, holds: bool) -> None:
    assert parse_condition(text)(FACTS) is holds


def test_not_binds_tighter_than_and_which_binds_tighter_than_or() -> None:
    assert parse_condition("1 = 1 OR 1 = 1 AND 1 = 2")(FACTS)
    assert not parse_condition("(1 = 1 OR 1 = 1) AND 1 = 2")(FACTS)
    assert not parse_condition("NOT 1 = 1 AND 1 = 2")(FACTS)
    assert not parse_condition("NOT 1 = 1 AND 1 = 1")(FACTS)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{{ input.width }}", id="no-comparison"),
        pytest.param("{{ input.width }} >=", id="nothing-to-compare-with"),
        pytest.param("{{ input.width }} == 1920", id="operator-of-another-language"),
        pytest.param("{{ input.width }} >= 1920 and 1 = 1", id="lower-case-word"),
        pytest.param("{{ input.codec }} = 1", id="unknown-variable"),
        pytest.param("input.width >= 1920", id="variable-without-braces"),
        pytest.param("(1 = 1", id="open-parenthesis"),
        pytest.param("1 = 1)", id="closed-parenthesis"),
        pytest.param("1 = 1 1 = 1", id="two-in-a-row"),
        pytest.param("1 = 1; import os", id="something-else"),
        pytest.param("(" * 400 + "1 = 1" + ")" * 400, id="nested-without-end"),
        pytest.param("1 = 1 AND " * 200 + "1 = 1", id="too-long"),
    ],
)
def test_text_that_is_not_an_expression_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="condition"):
        parse_condition(text)


@given(st.text(alphabet="{} input.width<>=!()ANDORT019\t", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        condition = parse_condition(text)
    except ValueError:
        return
    assert condition(FACTS) in {True, False}


@given(width=st.integers(0, 9000), height=st.integers(0, 9000), threshold=st.integers(0, 9000))
def test_a_condition_and_its_negation_never_agree(width: int, height: int, threshold: int) -> None:
    facts = {"input.width": float(width), "input.height": float(height)}
    text = f"{{{{ input.width }}}} >= {threshold} AND {{{{ input.height }}}} >= {threshold}"
    assert parse_condition(text)(facts) == (min(width, height) >= threshold)
    assert parse_condition(f"NOT ({text})")(facts) is not parse_condition(text)(facts)
