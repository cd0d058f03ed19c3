"""The submission limiter, with a clock and a job count that a test moves."""

from typing import Any

from controller.coconut.breaker import BreakerSnapshot
from controller.coconut.limiter import Permit, SubmissionLimiter, SubmissionLimits
from domain.errors import UpstreamError
from tests.support.world.clock import FakeClock

# Opens a closed breaker.
TROUBLE = ("trouble",) * 3


class LimiterHarness:
    """A limiter with a clock and a job count that a test moves."""

    def __init__(self, **limits: Any) -> None:
        self.clock = FakeClock()
        self.jobs = 0
        self.counted_at: list[float] = []
        self.trouble: UpstreamError | None = None
        generous: dict[str, Any] = {"max_running": 1_000, "per_minute": 60_000, "burst": 1_000}
        self.limiter = SubmissionLimiter(
            SubmissionLimits(**generous | limits), monotonic=self.clock.monotonic, count_running=self._count
        )

    def _count(self) -> int:
        self.counted_at.append(self.clock.monotonic())
        if self.trouble is not None:
            raise self.trouble
        return self.jobs

    def permit(self) -> Permit:
        """Acquire a permit, which must be granted."""
        outcome = self.limiter.acquire()
        assert isinstance(outcome, Permit), outcome
        return outcome

    def submit(self, *stories: str) -> None:
        """Make one submission after the other: "ok", "trouble", "silent", or the seconds of a Retry-After."""
        for story in stories:
            with self.permit() as permit:
                if story == "ok":
                    permit.record_success()
                elif story != "silent":
                    permit.record_failure("HTTP 429", retry_after_seconds=None if story == "trouble" else float(story))

    @property
    def breaker(self) -> BreakerSnapshot:
        return self.limiter.state().breaker

    def open_seconds(self) -> float:
        """Return how long the breaker is going to stay open, and wait for the end of it."""
        seconds = self.breaker.open_for_seconds
        self.clock.advance(seconds)
        return seconds


def all_permits(harness: LimiterHarness, *, at_most: int = 100) -> list[Permit]:
    """Acquire permits until one is denied."""
    permits: list[Permit] = []
    while len(permits) < at_most and isinstance(permit := harness.limiter.acquire(), Permit):
        permits.append(permit)
    return permits
