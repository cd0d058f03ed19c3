"""A gate as tests use it: with a clock and a count of jobs that they move."""

from typing import Any

from controller.coconut.breaker import BreakerSnapshot
from controller.coconut.limiter import Permit, SubmissionLimiter, SubmissionLimits
from domain.errors import UpstreamError
from tests.support.world.clock import FakeClock

# Opens a closed breaker.
TROUBLE = ("trouble",) * 3


class Entrance:
    """A gate with a clock and a count that a test moves."""

    def __init__(self, **limits: Any) -> None:
        self.clock = FakeClock()
        self.jobs = 0
        self.questions: list[float] = []
        self.trouble: UpstreamError | None = None
        generous: dict[str, Any] = {"max_running": 1_000, "per_minute": 60_000, "burst": 1_000}
        self.limiter = SubmissionLimiter(
            SubmissionLimits(**generous | limits), monotonic=self.clock.monotonic, count_running=self._count
        )

    def _count(self) -> int:
        self.questions.append(self.clock.monotonic())
        if self.trouble is not None:
            raise self.trouble
        return self.jobs

    def permit(self) -> Permit:
        """Enter, which must be allowed."""
        entered = self.limiter.acquire()
        assert isinstance(entered, Permit), entered
        return entered

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


def entered(entrance: Entrance, *, at_most: int = 100) -> list[Permit]:
    """Enter until that is not allowed any more."""
    permits: list[Permit] = []
    while len(permits) < at_most and isinstance(permit := entrance.limiter.acquire(), Permit):
        permits.append(permit)
    return permits
