"""How long a neighbour wants to be left alone, in every spelling of HTTP and in none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.retry_after import retry_after_seconds
from tests.support.builders.resources import NOON


def desired(**headers: str) -> float | None:
    return retry_after_seconds({name.replace("_", "-"): value for name, value in headers.items()}, lambda: NOON)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("0", 0, id="at-once"),
        pytest.param(" 90 ", 90, id="blanks"),
        pytest.param("9" * 5000, 86400, id="for-ever"),
        pytest.param("Wed, 01 Jul 2026 12:00:30 GMT", 30, id="date"),
        pytest.param("Wednesday, 01-Jul-26 12:00:30 GMT", 30, id="date-of-1994"),
        pytest.param("Wed Jul  1 12:00:30 2026", 30, id="date-of-C"),
        pytest.param("Wed, 01 Jul 2026 14:00:30 +0200", 30, id="date-elsewhere"),
        pytest.param("Wed, 01 Jul 2026 11:00:00 GMT", 0, id="past"),
        pytest.param("Sat, 01 Jan 2050 00:00:00 GMT", 86400, id="far"),
        pytest.param("", None, id="empty"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("\xb2", None, id="a-digit-that-is-no-number"),
        pytest.param("soon", None, id="a-word"),
        pytest.param("Wed, 32 Jul 2026 12:00:30 GMT", None, id="no-such-day"),
        pytest.param(f"Wed, 01 Jul 2026 12:00:30 +{'9' * 20}", None, id="no-such-zone"),
    ],
)
def test_wishes(value: str, seconds: float | None) -> None:
    assert desired(Retry_After=value) == seconds


def test_who_states_nothing_wishes_nothing() -> None:
    assert desired() is None


def test_a_date_counts_from_the_answers_own_clock() -> None:
    assert desired(Date="Wed, 01 Jul 2026 09:00:00 GMT", Retry_After="Wed, 01 Jul 2026 09:00:20 GMT") == 20
    assert desired(Date="yesterday", Retry_After="Wed, 01 Jul 2026 12:00:20 GMT") == 20


@settings(deadline=None)
@given(value=st.text() | st.from_regex(r"\A[0-9A-Za-z,:+ -]{0,40}\Z") | st.datetimes().map(str))
def test_no_wish_is_beyond_reason(value: str) -> None:
    seconds = desired(Retry_After=value)
    assert seconds is None or 0 <= seconds <= 86400
