"""The work queue: keys, each at most once, each with its time, each with one worker at most.

Semantics follow controller-runtime's workqueue (add, add after, back-off with forget), with turns by owner: an owner
with a thousand due keys delays the one key of another by a pass. A key is a video's id; the queue does not know what a
pass does.
"""

import heapq
import random
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from domain.records import Cause
from runtime import heartbeats

_FIRST_BACKOFF_SECONDS = 0.2
_LAST_BACKOFF_SECONDS = 60.0


@dataclass
class _Entry:
    """A key that waits. ``due``: monotonic seconds."""

    due: float
    cause: Cause


@dataclass(frozen=True)
class QueueState:
    """The queue at one moment, for metrics.

    ``depth``: due keys waiting for a worker; ``oldest_seconds``: how late the first of them is; ``running_seconds``:
    how long each key has been with a worker.
    """

    depth: int
    oldest_seconds: float
    running_seconds: tuple[float, ...]


class QueueMetrics(Protocol):
    """Counts what happens. Called under the queue's lock, so it must not call the queue."""

    def added(self) -> None:
        """A key was scheduled, or scheduled earlier."""

    def retried(self) -> None:
        """A key backs off."""

    def taken(self, waited_seconds: float) -> None:
        """A worker took a key this long after it was due."""

    def done(self, worked_seconds: float) -> None:
        """A worker gave a key back after this long."""


class _Uncounted:
    def added(self) -> None: ...
    def retried(self) -> None: ...
    def taken(self, waited_seconds: float) -> None: ...
    def done(self, worked_seconds: float) -> None: ...


class WorkQueue:
    """A set of keys ordered by time, and by turns of their owners once they are due. Safe for any number of threads.

    A key that is added while a worker has it is handed out again when the worker gives it back. Of two times for
    one key the earlier wins, and brings its cause.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        scale: float = 1.0,
        metrics: QueueMetrics | None = None,
        owner_of: Callable[[str], str | None] = lambda _key: None,
    ) -> None:
        """``owner_of``: whose turn a key takes. Called under the queue's lock, so it must not call the queue.

        Keys without an owner take turns as if they were one owner's.
        """
        self._monotonic = monotonic
        self._scale = scale
        self._metrics = metrics or _Uncounted()
        self._condition = threading.Condition()
        self._waiting: dict[str, _Entry] = {}
        self._owner_of = owner_of
        # Keys by time, and those that are due by owner: the owner in front has the next turn.
        self._heap: list[tuple[float, str]] = []
        self._due: OrderedDict[str | None, deque[tuple[float, str]]] = OrderedDict()
        self._running: dict[str, float] = {}  # since when
        self._failures: dict[str, int] = {}
        # The worker that waits for the first key's time. If all did, each such moment would wake them all.
        self._waits_for_first: int | None = None
        self._is_open = True

    def add(self, key: str, cause: Cause, *, after_seconds: float = 0.0) -> None:
        """Request a pass over ``key``, now or later."""
        due = self._monotonic() + after_seconds
        with self._condition:
            waiting = self._waiting.get(key)
            if waiting is not None and waiting.due <= due:
                return
            self._waiting[key] = _Entry(due, cause)
            self._metrics.added()
            self._push(due, key)

    def back_off(self, key: str, cause: Cause, *, at_least_seconds: float = 0.0) -> None:
        """Request a pass later, and later each time until `forget`.

        ``at_least_seconds``: what an upstream asked for, followed for a minute at most. Tests do not shorten it.
        """
        with self._condition:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            self._metrics.retried()
        longest = min(_LAST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(failures, 12)) * self._scale
        ours = longest * random.uniform(0.5, 1.0)
        theirs = min(at_least_seconds, _LAST_BACKOFF_SECONDS)
        # Keys that failed together must not come back together.
        self.add(key, cause, after_seconds=max(ours, theirs * random.uniform(1.0, 1.5)))

    def forget(self, key: str) -> None:
        """Reset the back-off of ``key``."""
        with self._condition:
            self._failures.pop(key, None)

    def take(self) -> tuple[str, Cause] | None:
        """Wait for a due key and take it until `done`. None once the queue is closed."""
        with self._condition:
            while self._is_open:
                heartbeats.record()
                found = self._pop_due()
                if isinstance(found, tuple):
                    if self._due or (self._heap and self._waits_for_first is None):
                        self._condition.notify()
                    return found
                self._wait(found)
            return None

    def _wait(self, seconds: float | None) -> None:
        """Wait for a key that comes before all others; of all workers one waits for the time of the first key."""
        if seconds is None or self._waits_for_first is not None:
            self._condition.wait(heartbeats.bounded_wait(None))
            return
        worker = self._waits_for_first = threading.get_ident()
        self._condition.wait(heartbeats.bounded_wait(seconds))
        if self._waits_for_first == worker:
            self._waits_for_first = None

    def _push(self, due: float, key: str) -> None:
        """Order a key by its time. If it is the first one, a worker has to wait for it instead of for another."""
        heapq.heappush(self._heap, (due, key))
        if self._heap[0] == (due, key):
            self._waits_for_first = None
            self._condition.notify()

    def _pop_due(self) -> tuple[str, Cause] | float | None:
        """Return a due key, or the seconds until there may be one, or None to wait for an addition."""
        now = self._monotonic()
        while self._heap and self._heap[0][0] <= now:
            due, key = heapq.heappop(self._heap)
            if self._is_current(due, key):
                self._due.setdefault(self._owner_of(key), deque()).append((due, key))
        while self._due:
            owner, keys = self._due.popitem(last=False)
            due, key = keys.popleft()
            if keys:
                self._due[owner] = keys  # at the end
            if self._is_current(due, key):
                self._metrics.taken(now - due)
                self._running[key] = now
                return key, self._waiting.pop(key).cause
        return self._heap[0][0] - now if self._heap else None

    def _is_current(self, due: float, key: str) -> bool:
        """Return whether the key still waits for this time. One that runs is brought back by `done`."""
        entry = self._waiting.get(key)
        return entry is not None and entry.due == due and key not in self._running

    def done(self, key: str) -> None:
        """Give a key back; a pass that was requested meanwhile becomes due."""
        now = self._monotonic()
        with self._condition:
            since = self._running.pop(key, None)
            if since is not None:
                self._metrics.done(now - since)
            entry = self._waiting.get(key)
            if entry is not None:
                self._push(entry.due, key)

    def close(self) -> None:
        """Hand out no more keys; every `take` returns None."""
        with self._condition:
            self._is_open = False
            self._condition.notify_all()

    def state(self) -> QueueState:
        """Return the queue's state now."""
        now = self._monotonic()
        with self._condition:
            late = [now - entry.due for key, entry in self._waiting.items() if key not in self._running]
            running_seconds = tuple(now - since for since in self._running.values())
        due = [seconds for seconds in late if seconds >= 0]
        return QueueState(len(due), max(due, default=0.0), running_seconds)
