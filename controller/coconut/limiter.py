"""The one door through which paid submissions pass: how many jobs may run, how fast orders may follow each other,
and whether the provider is well enough to be asked.

The gate says yes or why not; nobody waits in it, and what it refuses has cost neither money nor an attempt. What a
"no" means for an upload is decided in machine.py, what an answer of the provider means in client.py.
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

# The count is a query over all rows in processing.
COUNT_SECONDS = 2


class Denied(StrEnum):
    """Why nothing may be submitted now. None of these is the fault of the upload that asked."""

    BREAKER = "breaker"
    CAPACITY = "capacity"
    RATE = "rate"

    @property
    def message(self) -> str:
        """Return the same in words for people, always the same ones."""
        return _MESSAGES[self]


_MESSAGES = {
    Denied.BREAKER: "the provider is in trouble; submissions go on as it recovers",
    Denied.CAPACITY: "as many jobs are running as this installation allows",
    Denied.RATE: "other submissions are being made; this one follows in its turn",
}


@dataclass(frozen=True)
class SubmissionLimits:
    """What an installation allows. ``burst``: how many orders may leave at once after a quiet time.

    ``scale`` shortens every duration here alike, the minute of ``per_minute`` too; below 1 in tests only.
    """

    max_running: int
    per_minute: int
    burst: int
    scale: float = 1.0


@dataclass(frozen=True)
class LimiterState:
    """For metrics and messages. ``running``: the most that may be, None before the first count."""

    breaker: BreakerSnapshot
    in_flight: int
    running: int | None


class Permit:
    """The right to make one submission; a context manager that gives its place back at the end.

    How the submission went is told separately, by `recording` or in its own words, at most once: a ticket that
    came to nothing because Postgres or storage failed says nothing about the provider.
    """

    def __init__(self, limiter: "SubmissionLimiter", generation: int) -> None:
        self._limiter = limiter
        self._era = generation
        self._is_inside = True
        self._is_reported = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Give the place back. Once is enough, more does no harm."""
        if self._is_inside:
            self._is_inside = False
            self._limiter._left()

    def succeeded(self) -> None:
        """Report that the provider took the order."""
        if not self._is_reported:
            self._is_reported = True
            self._limiter._succeeded(self._era)

    def record_failure(self, why: str, *, retry_after_seconds: float | None = None) -> None:
        """Report the provider's trouble, with its wish to be left alone if it stated one. ``why`` is for the log."""
        if not self._is_reported:
            self._is_reported = True
            self._limiter._record_failure(self._era, why, retry_after_seconds)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Report how the one submission made inside ends; put nothing but the provider's call there.

        A refused file says nothing about the provider, and neither does a bulkhead of ours that is full.
        """
        try:
            yield
        except BulkheadFullError:
            raise
        except (UnavailableError, UncertainError) as error:
            # Of uncertain answers only some can tell when to come back.
            self.record_failure(str(error), retry_after_seconds=getattr(error, "retry_after_seconds", None))
            raise
        self.succeeded()


class SubmissionLimiter:
    """Admits submissions. Safe for any number of threads; one for each process, and only the leader submits.

    ``running``: how many jobs are in processing by the rows. It is asked outside the lock, by one thread at a time
    and at most once in 2 s. Between two answers everything that was admitted counts as running: that is never too
    few, since nobody else submits, and a refusal takes up a place for no more than one question's time.

    A restart begins closed. What the breaker knew is cheap to learn again: refusals burn no attempt, and of
    uncertain answers there are no more than submissions in flight at once, each at the cost of another video. A
    beginning half-open would let one stray trouble after each rollout stop everybody for a cool-down.
    """

    def __init__(self, limits: SubmissionLimits, *, monotonic: Callable[[], float], running: Callable[[], int]) -> None:
        self._limits = limits
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._breaker = Breaker(limits.scale)
        self._bucket = _TokenBucket(limits, monotonic())
        self._in_flight = 0
        self._count_running = running
        self._running: int | None = None
        self._left_uncounted = 0
        self._is_counting = False
        self._next_count_at = monotonic()

    def acquire(self) -> Permit | Denied:
        """Admit one submission, or say why not. To be asked before the intent is committed; never waits for a place.

        Raises NeighbourError when the running jobs cannot be counted.
        """
        self._recount()
        with self._lock:
            now = self._monotonic()
            if not self._breaker.admits(now, self._in_flight):
                return Denied.BREAKER
            running = self._most_running()
            if running is None:
                raise UnavailableError("the running jobs are not counted yet")
            if running >= self._limits.max_running:
                return Denied.CAPACITY
            if not self._bucket.take(now):
                return Denied.RATE
            self._in_flight += 1
            return Permit(self, self._breaker.generation)

    def _recount(self) -> None:
        """Ask for the running jobs if that is due. What leaves while the question is under way may not be in it."""
        with self._lock:
            now = self._monotonic()
            if self._is_counting or now < self._next_count_at:
                return
            self._is_counting, self._next_count_at = True, now + COUNT_SECONDS * self._limits.scale
            covered = self._left_uncounted
        running: int | None = None
        try:
            running = self._count_running()
        finally:
            with self._lock:
                self._is_counting = False
                if running is not None:
                    self._running = running
                    self._left_uncounted -= covered

    def state(self) -> LimiterState:
        """Return how things are now."""
        with self._lock:
            return LimiterState(self._breaker.state(self._monotonic()), self._in_flight, self._most_running())

    def _most_running(self) -> int | None:
        return None if self._running is None else self._running + self._left_uncounted + self._in_flight

    def _left(self) -> None:
        with self._lock:
            self._in_flight -= 1
            self._left_uncounted += 1

    def _succeeded(self, generation: int) -> None:
        with self._lock:
            has_closed = self._breaker.succeeded(generation)
        if has_closed:
            log.info("submissions_resumed")

    def _record_failure(self, generation: int, message: str, retry_after_seconds: float | None) -> None:
        with self._lock:
            now = self._monotonic()
            has_opened = self._breaker.record_failure(generation, now, retry_after_seconds)
            state = self._breaker.state(now)
        if has_opened:
            log.warning("submissions_paused", error=message, for_seconds=round(state.open_for_seconds, 3))


class _TokenBucket:
    """Tokens that come at a steady rate and are kept up to a burst; full at the beginning. Not safe for threads."""

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
