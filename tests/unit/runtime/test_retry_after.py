"""Retry-After in every form that HTTP allows, and malformed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.retry_after import retry_after_seconds
from tests.support.builders.rows import NOON


def seconds_of(**headers: str) -> float | None:
    return retry_after_seconds({name.replace("_", "-"): value for name, value in headers.items()}, lambda: NOON)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("0", 0, id="at-once"),
        pytest.param(" 90 ", 90, id="blanks"),
        pytest.param("9" * 5000, 86400, id="too-many-digits"),
        pytest.param("Wed, 01 Jul 2026 12:00:30 GMT", 30, id="date"),
        pytest.param("Wednesday, 01-Jul-26 12:00:30 GMT", 30, id="rfc-850-date"),
        pytest.param("Wed Jul  1 12:00:30 2026", 30, id="asctime-date"),
        pytest.param("Wed, 01 Jul 2026 14:00:30 +0200", 30, id="another-time-zone"),
        pytest.param("Wed, 01 Jul 2026 11:00:00 GMT", 0, id="past"),
        pytest.param("Sat, 01 Jan 2050 00:00:00 GMT", 86400, id="far"),
        pytest.param("", None, id="empty"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("\xb2", None, id="a-superscript-digit"),
        pytest.param("soon", None, id="a-word"),
        pytest.param("Wed, 32 Jul 2026 12:00:30 GMT", None, id="no-such-day"),
        pytest.param(f"Wed, 01 Jul 2026 12:00:30 +{'9' * 20}", None, id="no-such-zone"),
    ],
)
def test_each_form_is_read(value: str, seconds: float | None) -> None:
    assert seconds_of(Retry_After=value) == seconds


def test_a_response_without_the_header_gives_none() -> None:
    assert seconds_of() is None


def test_the_header_is_found_in_any_case() -> None:
    assert seconds_of(retry_after="7") == seconds_of(RETRY_AFTER="7") == 7


def test_a_date_is_measured_against_the_responses_own_clock() -> None:
    assert seconds_of(Date="Wed, 01 Jul 2026 09:00:00 GMT", Retry_After="Wed, 01 Jul 2026 09:00:20 GMT") == 20
    assert seconds_of(Date="yesterday", Retry_After="Wed, 01 Jul 2026 12:00:20 GMT") == 20


@settings(deadline=None)
@given(value=st.text() | st.from_regex(r"\A[0-9A-Za-z,:+ -]{0,40}\Z") | st.datetimes().map(str))
def test_no_value_gives_more_than_a_day(value: str) -> None:
    seconds = seconds_of(Retry_After=value)
    assert seconds is None or 0 <= seconds <= 86400
