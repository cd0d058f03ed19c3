"""Reading Retry-After (RFC 9110, 10.2.3): how long a neighbour over HTTP wants to be left alone."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Whoever says more has lost their clock.
LONGEST_SECONDS = 86400.0


def retry_after_seconds(headers: Mapping[str, str], clock: Callable[[], datetime]) -> float | None:
    """Return the wish in seconds, None if there is none that can be read.

    A date counts from the answer's own Date, because clocks differ; ours is asked only if there is none.
    """
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+", value):
        seconds = float(value)
    else:
        until = _http_date(value)
        if until is None:
            return None
        seconds = (until - (_http_date(headers.get("Date", "")) or clock())).total_seconds()
    return min(max(0.0, seconds), LONGEST_SECONDS)


def _http_date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
