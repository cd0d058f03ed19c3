"""What the client reads from an HTTP response."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from videoupload.transport import HttpResponse


def after(value: str | None) -> float | None:
    return HttpResponse(503, {} if value is None else {"Retry-After": value}, b"").retry_after_seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("7", 7, id="seconds"),
        pytest.param("0", 0, id="at-once"),
        pytest.param("9" * 400, 6 * 3600, id="longer-than-any-pause"),
        pytest.param("9" * 5000, None, id="more-digits-than-python-reads"),
        pytest.param("soon", None, id="a-word"),
        pytest.param("-1", None, id="negative"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_seconds_are_read(value: str | None, seconds: float | None) -> None:
    assert after(value) == seconds


def test_a_date_is_read() -> None:
    seconds = after(format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True))
    assert seconds is not None
    assert 290 < seconds <= 300
