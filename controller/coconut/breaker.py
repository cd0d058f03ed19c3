"""A circuit breaker: whether to submit to the provider, and how many at a time.

It has no clock and no lock. Locks, slots and limits are in limiter.py; client.py decides which responses are failures.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

# Two may be chance.
FAILURES_TO_OPEN = 3
# What succeeded this long ago proves nothing about an outage that began since.
PROVEN_SECONDS = 60
# Long enough for a restart at the provider, short enough for a user who is watching an upload.
FIRST_COOL_DOWN_SECONDS = 30
# During a long outage we try six times an hour, and notice its end within ten minutes.
LONGEST_COOL_DOWN_SECONDS = 600
# A longer Retry-After is more likely a mistake than a plan.
LONGEST_RETRY_AFTER_SECONDS = 3600
WIDEST_HALF_OPEN = 16


class BreakerState(StrEnum):
    """The three states of the breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True)
class BreakerSnapshot:
    """The breaker at one moment. ``width``: how many submissions may be in flight while half-open."""

    position: BreakerState
    width: int | None = None
    open_for_seconds: float = 0.0


class Breaker:
    """Closed, open for a while, then half-open with a width that doubles. Not thread-safe.

    While closed it is unproven before the first success, after a failure, and some time after the last success: then
    submissions are made one at a time, so that an outage never meets a burst of them.

    ``generation`` counts the openings. A submission made before the last opening proves no recovery when it succeeds,
    and prolongs the pause only if the provider says so when it fails.
    """

    def __init__(self, scale: float) -> None:
        self.generation = 0
        self._scale = scale
        self._failures = 0
        self._width: int | None = None
        self._cool_down_seconds: float = FIRST_COOL_DOWN_SECONDS
        self._open_until = 0.0
        self._proven_until = -math.inf

    @property
    def is_closed(self) -> bool:
        """Return whether nothing has failed lately, or too little to mean anything."""
        return self._width is None

    def admits(self, now: float, in_flight: int) -> bool:
        """Return whether another submission may join those in flight."""
        return self.room(now, in_flight) > 0

    def room(self, now: float, in_flight: int) -> float:
        """Return how many more submissions may join those in flight."""
        width = self._width_at(now)
        if now < self._open_until:
            return 0
        return math.inf if width is None else width - in_flight

    def needs_probe(self, now: float) -> bool:
        """Return whether the provider's health is unknown, so that something free is tried before a submission."""
        return self._width_at(now) == 1

    def _width_at(self, now: float) -> int | None:
        if self._width is None and now >= self._proven_until:
            return 1
        return self._width

    def record_success(self, generation: int, now: float) -> bool:
        """Count a submission that the provider accepted. Return whether it closed the breaker."""
        if generation != self.generation:
            return False
        self._failures = 0
        self._proven_until = now + PROVEN_SECONDS * self._scale
        if self._width is None:
            return False
        self._width = self._width * 2 if self._width < WIDEST_HALF_OPEN else None
        return self._width is None

    def record_failure(self, generation: int, now: float, retry_after_seconds: float | None) -> bool:
        """Count a submission that failed because of the provider. Return whether it opened the breaker."""
        retry_after = None
        if retry_after_seconds is not None:
            # The provider's seconds are real, so only our limit is scaled.
            retry_after = min(retry_after_seconds, LONGEST_RETRY_AFTER_SECONDS * self._scale)
        if generation != self.generation:
            if retry_after is not None:
                self._open_until = max(self._open_until, now + retry_after)
            return False
        self._failures += 1
        self._proven_until = -math.inf
        if retry_after is None and self._width is None and self._failures < FAILURES_TO_OPEN:
            return False
        self._open(now, retry_after)
        return True

    def _open(self, now: float, retry_after: float | None) -> None:
        """Open for as long as the provider asks, else for our cool-down; after a failed retry, the longer of both."""
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
