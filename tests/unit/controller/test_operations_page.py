"""docs/operations.md has the numbers and the words of the code."""

import re
from pathlib import Path

import pytest

from controller.actions.submission import _REASON_DENIED
from controller.coconut import breaker, limiter
from controller.coconut.limiter import Denied
from controller.settings import OperatorSettings
from domain.failures import FailureCode
from domain.records import AttemptState
from domain.schedule import Timing
from domain.video import Reason

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
PROSE = " ".join(PAGE.split())


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, code marks removed."""
    _, _, below = PAGE.partition(f"\n### {heading}\n")
    rows = [line for line in below.partition("\n### ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in rows[2:]]


@pytest.mark.parametrize(("name", "default"), [row[:2] for row in table("Limits")])
def test_limits_are_settings_with_these_defaults(name: str, default: str) -> None:
    field = OperatorSettings.model_fields[name.lower()]
    assert str(field.default) == default


def test_every_denial_is_explained_with_its_message() -> None:
    assert [row[:2] for row in table("What an upload says meanwhile")] == [
        [_REASON_DENIED[pause].value, pause.message] for pause in Denied if pause in _REASON_DENIED
    ]


@pytest.mark.parametrize(
    "statement",
    [
        f"opens after {breaker.FAILURES_TO_OPEN} failures in a row",
        f"for {breaker.FIRST_COOL_DOWN_SECONDS} seconds after a failure",
        f"up to {breaker.LONGEST_COOL_DOWN_SECONDS // 60} minutes",
        f"at most {breaker.LONGEST_RETRY_AFTER_SECONDS // 3600} hour)",
        f"up to {breaker.WIDEST_HALF_OPEN};",
        f"at most once in {limiter.COUNT_SECONDS} seconds",
        f"(`UPLOADED_DEADLINE_SECONDS`, {Timing().uploaded_deadline_seconds / 86400:g} days)",
        f"`RESOLVE_WINDOW_SECONDS` ({Timing().resolve_window_seconds / 60:g} minutes) of the submission",
        f"at most {Timing().uploaded_last_check_seconds / 60:g} minutes",
    ],
)
def test_numbers_are_those_of_the_code(statement: str) -> None:
    assert statement in PROSE


@pytest.mark.parametrize("word", sorted(set(re.findall(r"`((?:Submission|Waiting)[A-Za-z]+)`", PAGE))))
def test_reasons_exist(word: str) -> None:
    assert Reason(word)


@pytest.mark.parametrize("word", sorted(set(re.findall(r"`((?:provider|submission)_[a-z_]+)`", PAGE))))
def test_failures_exist(word: str) -> None:
    assert FailureCode(word)


def test_states_in_the_queries_exist() -> None:
    words = re.findall(r"'([a-z]+)'", PAGE)
    assert words
    assert all(AttemptState(word) for word in words)
