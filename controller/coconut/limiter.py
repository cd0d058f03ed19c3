"""Limits paid submissions: jobs that run, jobs of one owner, purchases of a day, their rate, and the provider's health.

Every submission passes through here. A free place goes to the upload that has waited longest,
and to a rollout when no upload waits. What the limits of a day
refuse here is counted once more where the intent is recorded (database/attempts.py): that count is exact, this one
saves tokens and transactions.

It answers at once, with a permit or a reason. A denied submission costs neither money nor an attempt;
controller/actions/submission.py shows the reason. What a response of Coconut means is decided in client.py.
"""

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import TracebackType
from typing import Self

import structlog

from controller.coconut.breaker import Breaker, BreakerSnapshot, BreakerState
from domain.errors import UnavailableError
from domain.jobs import UncertainError
from domain.spending import SpendingLimits, SubmissionLoad, SubmissionRequest
from runtime.bulkhead import BulkheadFullError
from runtime.time_budget import BudgetSpentError

log = structlog.get_logger(__name__)

# The count is a query over all rows in `processing`.
COUNT_SECONDS = 2
# An upload that was woken loses its turn unless its pass calls `acquire` within this time.
ANSWER_SECONDS = 10
# How many uploads are woken once the first submission is answered; the others follow at their next check.
_UNPROVEN_MAX = 50


class Denied(StrEnum):
    """Why nothing may be submitted now. None of these is the upload's fault."""

    OWNER_DAY = "owner_day"
    DAY = "day"
    BREAKER = "breaker"
    JOBS_UNKNOWN = "jobs_unknown"
    UNPROVEN = "unproven"
    OWNER_CAPACITY = "owner_capacity"
    CAPACITY = "capacity"
    RATE = "rate"

    @property
    def message(self) -> str:
        """Return a text for people that never varies."""
        return _MESSAGES[self]


_MESSAGES = {
    Denied.OWNER_DAY: "as many jobs were submitted today as one owner may have in a day",
    Denied.DAY: "the minutes that this installation may buy in a day are spent",
    Denied.OWNER_CAPACITY: "as many jobs of this owner are running as one owner may have at once",
    Denied.BREAKER: "the provider keeps failing; submissions resume as it recovers",
    Denied.JOBS_UNKNOWN: "the provider does not know most of the running jobs; the key may be of another account",
    Denied.UNPROVEN: "the first submission after a quiet time has not been answered yet; this one follows",
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
    spending: SpendingLimits = field(default_factory=SpendingLimits)


@dataclass(frozen=True)
class LimiterState:
    """For metrics and messages. ``running``, ``minutes``: the most that may be, None before the first count.

    ``minutes``: billed today; ``minutes_per_day``: their limit, 0 for none. ``waiting``: uploads in
    the queue for a place.
    """

    breaker: BreakerSnapshot
    in_flight: int
    running: int | None
    minutes: float | None = None
    minutes_per_day: float = 0.0
    waiting: int = 0


class Permit:
    """The right to make one submission; a context manager that releases its slot at the end.

    The provider's response is recorded separately and at most once. A permit that came to nothing because Postgres or
    storage failed records nothing: that says nothing about the provider. ``needs_probe``: the provider's health is
    unknown, so something free is to be tried first.
    """

    def __init__(
        self, limiter: "SubmissionLimiter", request: SubmissionRequest, generation: int, *, needs_probe: bool
    ) -> None:
        self.request = request
        self.needs_probe = needs_probe
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
            self._limiter.release(self)

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
        """Record how the submission made inside ends; put nothing but the call to the provider there."""
        with self.probing():
            yield
        self.record_success()

    @contextmanager
    def probing(self) -> Iterator[None]:
        """Record that the call to the provider inside failed. That a free one succeeds proves nothing about a paid one.

        A refused file says nothing about the provider, and neither does a limit of our own.
        """
        try:
            yield
        except (BulkheadFullError, BudgetSpentError):
            raise
        except (UnavailableError, UncertainError) as error:
            self.record_failure(str(error), retry_after_seconds=error.retry_after_seconds)
            raise


class SubmissionLimiter:
    """Admits submissions. Thread-safe; one per process, and only the leader submits.

    ``load``: what runs, was submitted today and waits, by the rows. It is asked outside the lock, by one thread at a
    time and at most once in 2 s. Between two answers everything that was admitted counts as running and as bought: that
    is never too few, since no other process submits, and a refusal takes up a place for one question at most.
    ``are_jobs_unknown``: whether the provider denies the jobs that run, which keeps the breaker open.
    ``wake``: requests a pass over an upload whose turn it is; the operator sets it once it has a queue. What waits
    looks rarely by itself: `wake_next` is to be called regularly.

    A restart begins with a closed breaker, so that one stray failure after each rollout does not stop all submissions
    for a cool-down. It is unproven: submissions are made one at a time until the provider has accepted one.
    """

    def __init__(
        self,
        limits: SubmissionLimits,
        *,
        monotonic: Callable[[], float],
        load: Callable[[], SubmissionLoad],
        are_jobs_unknown: Callable[[], bool] = lambda: False,
    ) -> None:
        self._are_jobs_unknown = are_jobs_unknown
        self._limits = limits
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._breaker = Breaker(limits.scale)
        self._bucket = _TokenBucket(limits, monotonic())
        self.wake: Callable[[str], None] = lambda _video_id: None
        self._count = load
        self._load: SubmissionLoad | None = None
        self._in_flight: list[Permit] = []
        self._ended_uncounted: list[Permit] = []
        self._woken: dict[str, float] = {}
        self._unproven: set[str] = set()
        self._is_counting = False
        self._next_count_at = monotonic()

    def acquire(self, request: SubmissionRequest) -> Permit | Denied:
        """Admit one submission, or say why not. Call this before committing the intent; it never waits for a place.

        Raises UpstreamError when the running jobs cannot be counted.
        """
        self.refresh()
        with self._lock:
            now = self._monotonic()
            self._woken.pop(request.video_id, None)
            decision, next_in_line = self._decide(request, now)
            for video_id in next_in_line:
                self._woken.setdefault(video_id, now)
        for video_id in next_in_line:
            self.wake(video_id)
        return decision

    def wake_next(self) -> None:
        """Wake the uploads for which there is room now, the oldest first: each acquires its place in its own pass.

        Call this every few seconds: nothing else notices that a job ended or that the breaker may be tried again.
        Raises UpstreamError when the running jobs cannot be counted.
        """
        self.refresh()
        with self._lock:
            next_in_line = self._next_in_line()
        for video_id in next_in_line:
            self.wake(video_id)

    def spare_places(self) -> int:
        """Return how many submissions could be made now beyond those that wait; 0 where that is not known.

        Raises UpstreamError when the running jobs cannot be counted.
        """
        self.refresh()
        with self._lock:
            now = self._monotonic()
            if self._load is None or self._are_jobs_unknown():
                return 0
            return max(0, self._room(self._load, now) - len(self._in_line(self._load, now)))

    def _room(self, load: SubmissionLoad, now: float) -> int:
        free = self._limits.max_running - self._most_running(load)
        return int(min(free, self._bucket.tokens(now), self._breaker.room(now, len(self._in_flight))))

    def _next_in_line(self) -> list[str]:
        """Return the uploads for which there is room and which were not woken before, and note that they are now."""
        now = self._monotonic()
        if self._load is None or self._are_jobs_unknown():
            return []
        room = self._room(self._load, now)
        next_in_line = [each for each in self._in_line(self._load, now)[: max(0, room)] if each not in self._woken]
        self._woken |= dict.fromkeys(next_in_line, now)
        return next_in_line

    def _decide(self, request: SubmissionRequest, now: float) -> tuple[Permit | Denied, list[str]]:
        """Return the decision, and the uploads whose turn comes before this one's."""
        if self._are_jobs_unknown():
            return Denied.JOBS_UNKNOWN, []
        if self._load is None:
            if not self._breaker.admits(now, len(self._in_flight)):
                return self._denied_by_breaker(request), []
            raise UnavailableError("the running jobs have not been counted yet")
        denied = self._denied_by_day(request, self._load)
        if denied is None and not self._breaker.admits(now, len(self._in_flight)):
            denied = self._denied_by_breaker(request)
        if denied is None and self._free_of_owner(request.owner, self._load) < 1:
            denied = Denied.OWNER_CAPACITY
        if denied is not None:
            return denied, []
        free = self._limits.max_running - self._most_running(self._load)
        tokens = self._bucket.tokens(now)
        ahead = self._in_line(self._load, now, before=request)
        if free <= len(ahead):
            return Denied.CAPACITY, ahead[: min(max(0, free), tokens)]
        if tokens <= len(ahead):
            return Denied.RATE, ahead[:tokens]
        self._bucket.take()
        needs_probe = self._breaker.needs_probe(now)
        permit = Permit(self, request, self._breaker.generation, needs_probe=needs_probe)
        self._in_flight.append(permit)
        return permit, []

    def _denied_by_breaker(self, request: SubmissionRequest) -> Denied:
        if not self._breaker.is_closed:
            return Denied.BREAKER
        if len(self._unproven) < _UNPROVEN_MAX:
            self._unproven.add(request.video_id)
        return Denied.UNPROVEN

    def _denied_by_day(self, request: SubmissionRequest, load: SubmissionLoad) -> Denied | None:
        limits, uncounted = self._limits.spending, self._uncounted()
        if request.owner is not None:
            ours = sum(other.owner == request.owner for other in uncounted)
            if load.submitted.get(request.owner, 0) + ours >= limits.submissions_per_owner:
                return Denied.OWNER_DAY
        minutes = load.minutes + sum(other.minutes for other in uncounted)
        is_spent = limits.minutes_per_day > 0 and minutes + request.minutes > limits.minutes_per_day
        return Denied.DAY if is_spent else None

    def _free_of_owner(self, owner: str | None, load: SubmissionLoad) -> float:
        if owner is None:
            return math.inf
        running = load.running.get(owner, 0) + sum(other.owner == owner for other in self._uncounted())
        return self._limits.spending.running_per_owner - running

    def _in_line(self, load: SubmissionLoad, now: float, *, before: SubmissionRequest | None = None) -> list[str]:
        """Return the waiting uploads that could be admitted, oldest first; only those older than ``before``, if given.

        One that was woken and did not call `acquire` in time loses its turn: its pass fails for another reason.
        """
        uncounted = {other.video_id for other in self._uncounted()}
        admissible: dict[str | None, float] = {}
        ahead: list[str] = []
        for other in load.waiting:
            if before is not None and other.place >= before.place:
                break
            woken_at = self._woken.get(other.video_id)
            is_absent = woken_at is not None and now - woken_at > ANSWER_SECONDS * self._limits.scale
            is_asking = before is not None and other.video_id == before.video_id
            if other.video_id in uncounted or is_asking or is_absent:
                continue
            left = admissible.setdefault(other.owner, self._free_of_owner(other.owner, load))
            if left >= 1:
                admissible[other.owner] = left - 1
                ahead.append(other.video_id)
        return ahead

    def refresh(self) -> None:
        """Count the load again if that is due. Submissions made during the count may be missing in it."""
        with self._lock:
            now = self._monotonic()
            if self._is_counting or now < self._next_count_at:
                return
            self._is_counting, self._next_count_at = True, now + COUNT_SECONDS * self._limits.scale
            covered = len(self._ended_uncounted)
        load: SubmissionLoad | None = None
        try:
            load = self._count()
        finally:
            with self._lock:
                self._is_counting = False
                if load is not None:
                    self._load = load
                    del self._ended_uncounted[:covered]
                    waiting = {other.video_id for other in load.waiting}
                    self._woken = {key: at for key, at in self._woken.items() if key in waiting}

    def state(self) -> LimiterState:
        """Return the limiter as it stands."""
        with self._lock:
            load, minutes = self._load, sum(other.minutes for other in self._uncounted())
            breaker = self._breaker.state(self._monotonic())
            return LimiterState(
                replace(breaker, position=BreakerState.OPEN) if self._are_jobs_unknown() else breaker,
                len(self._in_flight),
                None if load is None else self._most_running(load),
                None if load is None else load.minutes + minutes,
                self._limits.spending.minutes_per_day,
                0 if load is None else len(load.waiting),
            )

    def _uncounted(self) -> list[SubmissionRequest]:
        """Return what was admitted and may be missing in the load."""
        return [permit.request for permit in (*self._ended_uncounted, *self._in_flight)]

    def _most_running(self, load: SubmissionLoad) -> int:
        return sum(load.running.values()) + len(self._ended_uncounted) + len(self._in_flight)

    def release(self, permit: Permit) -> None:
        """Release the slot of a permit; what waited for its answer, or is next in line, is woken."""
        with self._lock:
            self._in_flight.remove(permit)
            self._ended_uncounted.append(permit)
            unproven, self._unproven = self._unproven, set()
            next_in_line = self._next_in_line()
        for video_id in (*unproven, *next_in_line):
            self.wake(video_id)

    def record_success(self, generation: int) -> None:
        """Record that the provider accepted a submission, on behalf of its permit."""
        with self._lock:
            has_closed = self._breaker.record_success(generation, self._monotonic())
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


class _TokenBucket:
    """A token bucket that starts full. Not thread-safe."""

    def __init__(self, limits: SubmissionLimits, now: float) -> None:
        self._per_second = limits.per_minute / (60 * limits.scale)
        self._burst = float(limits.burst)
        self._tokens = self._burst
        self._filled_at = now

    def tokens(self, now: float) -> int:
        """Return how many tokens there are."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return int(self._tokens)

    def take(self) -> None:
        """Take one of the tokens that there were."""
        self._tokens -= 1
