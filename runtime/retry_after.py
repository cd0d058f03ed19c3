"""The Retry-After header (RFC 9110, 10.2.3), read in one place for every upstream the service calls over HTTP.

Not `urllib3.util.Retry.parse_retry_after`: it measures a date against our own clock.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# A server that asks for more has a wrong clock.
LONGEST_SECONDS = 86400.0


def retry_after_seconds(
    headers: Mapping[str, str], clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> float | None:
    """Return how many seconds the server asks us to wait; None if it does not say, or not legibly.

    A date is measured against the response's own Date, because clocks differ; ours is read only if there is none.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    value = by_name.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+", value):
        seconds = float(value)
    else:
        until = _http_date(value)
        if until is None:
            return None
        seconds = (until - (_http_date(by_name.get("date", "")) or clock())).total_seconds()
    return min(max(0.0, seconds), LONGEST_SECONDS)


def _http_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
