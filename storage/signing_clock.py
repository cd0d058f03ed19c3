"""Lets botocore sign by the time of the store instead of the machine's own.

A store refuses requests that are signed a quarter of an hour too early or too late, and URLs that are not valid yet.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import botocore.auth

from runtime.clock import SharedClock

# A Date header has whole seconds (RFC 9110, 5.6.7).
_PRECISION_SECONDS = 1.0


def sign_by(clock: Callable[[], datetime]) -> None:
    """Sign everything in this process by this clock.

    botocore has no setting for it; tests/unit/storage/test_signing_clock.py notices when its function moves.
    """

    def current(remove_tzinfo: bool = True) -> datetime:
        return clock().astimezone(UTC).replace(tzinfo=None if remove_tzinfo else UTC)

    botocore.auth.get_current_datetime = current  # type: ignore[attr-defined]


def learn(clock: SharedClock, headers: Mapping[str, str], *, began: float) -> None:
    """Take the time of the store from a response of its own to a request that began then."""
    try:
        stated = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError):
        return
    clock.measured(stated.astimezone(UTC), began=began, precision_seconds=_PRECISION_SECONDS)
