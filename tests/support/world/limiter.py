"""The submission limiter, with a clock and a job count that a test moves."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from controller.coconut.breaker import BreakerSnapshot
from controller.coconut.limiter import Denied, Permit, SubmissionLimiter, SubmissionLimits
from domain.errors import UpstreamError
from domain.spending import SubmissionLoad, SubmissionRequest
from tests.support.world.clock import FakeClock
from tests.support.world.world import ANOTHER, InMemoryWorld

# Only the limits of the installation hold for it, and no other upload has waited longer.
AN_IMPORT = SubmissionRequest("an-import", None, datetime(2026, 1, 1, tzinfo=UTC), minutes=0)
# Opens a closed breaker.
FAILURES = ("failed",) * 3


class LimiterHarness:
    """A limiter with a clock and a job count that a test moves. ``is_proven``: the provider has just accepted a job."""

    def __init__(self, *, is_proven: bool = True, **limits: Any) -> None:
        self.clock = FakeClock()
        self.jobs = 0
        self.load = SubmissionLoad()
        self.counted_at: list[float] = []
        self.error: UpstreamError | None = None
        generous: dict[str, Any] = {"max_running": 1_000, "per_minute": 60_000, "burst": 1_000}
        self.limiter = SubmissionLimiter(
            SubmissionLimits(**generous | limits), monotonic=self.clock.monotonic, load=self._count
        )
        if is_proven:
            self.prove()

    def _count(self) -> SubmissionLoad:
        self.counted_at.append(self.clock.monotonic())
        if self.error is not None:
            raise self.error
        return replace(self.load, running={**self.load.running, None: self.jobs})

    def prove(self) -> None:
        """Let a submission that was made before the breaker ever opened be accepted now."""
        self.limiter.record_success(0)

    def acquire(self, request: SubmissionRequest = AN_IMPORT) -> Permit | Denied:
        """Ask for one place."""
        return self.limiter.acquire(request)

    def permit(self) -> Permit:
        """Acquire a permit, which must be granted."""
        outcome = self.acquire()
        assert isinstance(outcome, Permit), outcome
        return outcome

    def submit(self, *stories: str) -> None:
        """Make one submission after the other: "ok", "failed", "silent", or the seconds of a Retry-After."""
        for story in stories:
            with self.permit() as permit:
                if story == "ok":
                    permit.record_success()
                elif story != "silent":
                    permit.record_failure("HTTP 429", retry_after_seconds=None if story == "failed" else float(story))

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
    while len(permits) < at_most and isinstance(permit := harness.acquire(), Permit):
        permits.append(permit)
    return permits


def take_the_only_turn(world: InMemoryWorld) -> None:
    """Let another owner's job be accepted, so that no turn is left of this minute."""
    permit = world.deps.limiter.acquire(ANOTHER)
    assert isinstance(permit, Permit), permit
    with permit:
        permit.record_success()
