"""Admits paid submissions: limits how many jobs run and how fast submissions follow, and holds the circuit breaker.

It answers at once, with a permit or a reason. A denied submission costs neither money nor an attempt;
controller/actions/submission.py shows the reason. What a response of Coconut means is decided in client.py.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

import structlog

from controller.coconut.breaker import Breaker, BreakerSnapshot
from domain.errors import UnavailableError
from domain.jobs import UncertainError
from runtime.bulkhead import BulkheadFullError

log = structlog.get_logger(__name__)

# The count is a query over all rows in `processing`.
COUNT_SECONDS = 2


class Denied(StrEnum):
    """Why nothing may be submitted now. None of these is the upload's fault."""

    BREAKER = "breaker"
    CAPACITY = "capacity"
    RATE = "rate"

    @property
    def message(self) -> str:
        """Return a text for people that never varies."""
        return _MESSAGES[self]


_MESSAGES = {
    Denied.BREAKER: "the provider keeps failing; submissions resume as it recovers",
    Denied.CAPACITY: "as many jobs are running as this installation allows",
    Denied.RATE: "the rate limit of submissions is reached; this one follows",
}


@dataclass(frozen=True)
class SubmissionLimits:
    """The limits of one installation. ``burst``: how many submissions may leave at once after a quiet time.

    ``scale`` shortens every duration here, the minute of ``per_minute`` too; below 1 only in tests.
    """

    max_running: int
    per_minute: int
    burst: int
    scale: float = 1.0


@dataclass(frozen=True)
class LimiterState:
    """The limiter at one moment. ``running``: an upper bound of the running jobs, None before the first count."""

    breaker: BreakerSnapshot
    in_flight: int
    running: int | None


class Permit:
    """The right to make one submission; a context manager that releases its slot at the end.

    The provider's response is recorded separately and at most once. A permit that came to nothing because Postgres or
    storage failed records nothing: that says nothing about the provider.
    """

    def __init__(self, limiter: "SubmissionLimiter", generation: int) -> None:
        self._limiter = limiter
        self._generation = generation
        self._is_released = False
        self._is_recorded = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Release the slot; repeating it does no harm."""
        if not self._is_released:
            self._is_released = True
            self._limiter.release()

    def record_success(self) -> None:
        """Record that the provider accepted the submission."""
        if not self._is_recorded:
            self._is_recorded = True
            self._limiter.record_success(self._generation)

    def record_failure(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        """Record that the provider failed, and for how long it asked us to wait. ``message`` is for the log."""
        if not self._is_recorded:
            self._is_recorded = True
            self._limiter.record_failure(self._generation, message, retry_after_seconds)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record how the submission made inside ends; put nothing but the call to the provider there.

        A refused file says nothing about the provider, and neither does a full bulkhead.
        """
        try:
            yield
        except BulkheadFullError:
            raise
        except (UnavailableError, UncertainError) as error:
            self.record_failure(str(error), retry_after_seconds=error.retry_after_seconds)
            raise
        self.record_success()


class SubmissionLimiter:
    """Admits submissions. Thread-safe; one per process, and only the leader submits.

    ``count_running`` returns how many jobs are in `processing` according to the rows. One thread at a time calls it,
    outside the lock, at most every 2 s. Between two counts each admitted submission counts as running. That is never
    too low, since no other process submits, and a refused one takes up capacity only until the next count.

    A restart begins with a closed breaker, which is cheap to open again: refusals cost no attempt, and uncertain
    answers cost at most as many as there are submissions in flight. If it began half-open, one stray failure after
    each rollout would stop all submissions for a cool-down.
    """

    def __init__(
        self, limits: SubmissionLimits, *, monotonic: Callable[[], float], count_running: Callable[[], int]
    ) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._breaker = Breaker(limits.scale)
        self._bucket = _TokenBucket(limits, monotonic())
        self._in_flight = 0
        self._count_running = count_running
        self._running: int | None = None
        self._ended_uncounted = 0
        self._is_counting = False
        self._next_count_at = monotonic()

    def acquire(self) -> Permit | Denied:
        """Admit one submission, or return why not. Call this before committing the intent; it never waits for a slot.

        Raises UpstreamError when the running jobs cannot be counted.
        """
        self._recount()
        with self._lock:
            now = self._monotonic()
            if not self._breaker.admits(now, self._in_flight):
                return Denied.BREAKER
            running = self._most_running()
            if running is None:
                raise UnavailableError("the running jobs have not been counted yet")
            if running >= self._limits.max_running:
                return Denied.CAPACITY
            if not self._bucket.take(now):
                return Denied.RATE
            self._in_flight += 1
            return Permit(self, self._breaker.generation)

    def _recount(self) -> None:
        """Count the running jobs if that is due. The count may miss submissions that end while it runs."""
        with self._lock:
            now = self._monotonic()
            if self._is_counting or now < self._next_count_at:
                return
            self._is_counting, self._next_count_at = True, now + COUNT_SECONDS * self._limits.scale
            covered = self._ended_uncounted
        running: int | None = None
        try:
            running = self._count_running()
        finally:
            with self._lock:
                self._is_counting = False
                if running is not None:
                    self._running = running
                    self._ended_uncounted -= covered

    def state(self) -> LimiterState:
        """Return the limiter as it stands."""
        with self._lock:
            return LimiterState(self._breaker.state(self._monotonic()), self._in_flight, self._most_running())

    def release(self) -> None:
        """End a submission, on behalf of its permit."""
        with self._lock:
            self._in_flight -= 1
            self._ended_uncounted += 1

    def record_success(self, generation: int) -> None:
        """Record that the provider accepted a submission, on behalf of its permit."""
        with self._lock:
            has_closed = self._breaker.record_success(generation)
        if has_closed:
            log.info("submissions_resumed")

    def record_failure(self, generation: int, message: str, retry_after_seconds: float | None) -> None:
        """Record that the provider failed a submission, on behalf of its permit."""
        with self._lock:
            now = self._monotonic()
            has_opened = self._breaker.record_failure(generation, now, retry_after_seconds)
            state = self._breaker.state(now)
        if has_opened:
            log.warning("submissions_paused", error=message, for_seconds=round(state.open_for_seconds, 3))

    def _most_running(self) -> int | None:
        return None if self._running is None else self._running + self._ended_uncounted + self._in_flight


class _TokenBucket:
    """A token bucket that starts full. Not thread-safe."""

    def __init__(self, limits: SubmissionLimits, now: float) -> None:
        self._per_second = limits.per_minute / (60 * limits.scale)
        self._burst = float(limits.burst)
        self._tokens = self._burst
        self._filled_at = now

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
