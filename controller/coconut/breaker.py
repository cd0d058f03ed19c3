"""What recent submissions say of the provider: whether it is worth asking, and how many at a time.

A plain value that is told the time and what happened. Locks, places and limits are in limiter.py, which provider's
answer is trouble in client.py.
"""

from dataclasses import dataclass
from enum import StrEnum

# Two may be chance, and each one that is uncertain costs some video one of its attempts.
FAILURES_TO_OPEN = 3
# Long enough for a restart at the provider's, short enough for an upload that somebody is watching.
FIRST_COOL_DOWN_SECONDS = 30
# An outage of hours is asked about six times an hour, and its end is noticed within ten minutes.
LONGEST_COOL_DOWN_SECONDS = 600
# A longer wish is more likely a mistake than a plan.
LONGEST_RETRY_AFTER_SECONDS = 3600
WIDEST_HALF_OPEN = 16


class BreakerState(StrEnum):
    """What the breaker does."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True)
class BreakerSnapshot:
    """For metrics and messages. ``width``: how many may be in flight at once while half-open."""

    position: BreakerState
    width: int | None = None
    open_for_seconds: float = 0.0


class Breaker:
    """Closed, open for a while, then half-open with a width that doubles. Not safe for threads.

    ``generation`` counts the openings. What was submitted before the last one belongs to the trouble that is known: its
    end proves no recovery, and prolongs the pause only if the provider says so.
    """

    def __init__(self, scale: float) -> None:
        self.generation = 0
        self._scale = scale
        self._failures = 0
        self._width: int | None = None
        self._cool_down_seconds: float = FIRST_COOL_DOWN_SECONDS
        self._open_until = 0.0

    def admits(self, now: float, in_flight: int) -> bool:
        """Tell whether another submission may join those in flight."""
        return self._width is None or (now >= self._open_until and in_flight < self._width)

    def succeeded(self, generation: int) -> bool:
        """Count a submission that the provider accepted. Return whether it closed the breaker."""
        if generation != self.generation:
            return False
        self._failures = 0
        if self._width is None:
            return False
        self._width = self._width * 2 if self._width < WIDEST_HALF_OPEN else None
        return self._width is None

    def record_failure(self, generation: int, now: float, retry_after_seconds: float | None) -> bool:
        """Count a submission that failed because of the provider. Return whether it opened the breaker."""
        retry_after = None
        if retry_after_seconds is not None:
            # The provider's seconds are real ones: only our limit of them is scaled.
            retry_after = min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS * self._scale)
        if generation != self.generation:
            if retry_after is not None:
                self._open_until = max(self._open_until, now + retry_after)
            return False
        self._failures += 1
        if retry_after is None and self._width is None and self._failures < FAILURES_TO_OPEN:
            return False
        self._open(now, retry_after)
        return True

    def _open(self, now: float, retry_after: float | None) -> None:
        """Open for as long as the provider asks, else for our cool-down; after a failed retry, for the longer one."""
        is_repeated = self._width == 1  # nothing has succeeded since the last opening
        if not is_repeated:
            self._cool_down_seconds = FIRST_COOL_DOWN_SECONDS
        if retry_after is not None and not is_repeated:
            seconds = retry_after
        else:
            seconds = max(retry_after or 0.0, self._cool_down_seconds * self._scale)
            self._cool_down_seconds = min(LONGEST_COOL_DOWN_SECONDS, 2 * self._cool_down_seconds)
        self.generation += 1
        self._width = 1
        self._open_until = now + seconds

    def state(self, now: float) -> BreakerSnapshot:
        """Return the breaker as it stands."""
        if self._width is None:
            return BreakerSnapshot(BreakerState.CLOSED)
        if now < self._open_until:
            return BreakerSnapshot(BreakerState.OPEN, open_for_seconds=self._open_until - now)
        return BreakerSnapshot(BreakerState.HALF_OPEN, width=self._width)
