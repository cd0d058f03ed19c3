"""Which upload is looked at next: keys, each at most once, never in two hands, each with its time.

Semantics follow controller-runtime's workqueue (add, add after, back-off with forget). What a pass does is
not known here.
"""

import heapq
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from domain.records import Cause

_FIRST_BACKOFF_SECONDS = 0.2
_LAST_BACKOFF_SECONDS = 60.0


@dataclass
class _Entry:
    """A key that waits. ``due``: monotonic seconds."""

    due: float
    cause: Cause


@dataclass(frozen=True)
class QueueState:
    """For metrics. ``depth``: keys that are due and in nobody's hands; ``oldest_seconds``: how late the first of them
    is; ``held_seconds``: for how long each key in hand has been there.
    """

    depth: int
    oldest_seconds: float
    held_seconds: tuple[float, ...]


class QueueNotes(Protocol):
    """Who counts what happens here. Called under the queue's lock, so nothing may be asked in return."""

    def added(self) -> None:
        """A key was given a time, or an earlier one."""

    def retried(self) -> None:
        """A key was put off."""

    def taken(self, waited_seconds: float) -> None:
        """A key was handed out so long after it was due."""

    def done(self, worked_seconds: float) -> None:
        """A key was given back after so long."""


class _Uncounted:
    def added(self) -> None: ...
    def retried(self) -> None: ...
    def taken(self, waited_seconds: float) -> None: ...
    def done(self, worked_seconds: float) -> None: ...


class WorkQueue:
    """A set of keys ordered by time. Safe for any number of threads.

    A key that is added while a pass holds it is handed out again when that pass is done. Of two times for
    one key the earlier wins, and brings its cause.
    """

    def __init__(self, monotonic: Callable[[], float], *, scale: float = 1.0, notes: QueueNotes | None = None) -> None:
        self._monotonic = monotonic
        self._scale = scale
        self._notes = notes or _Uncounted()
        self._condition = threading.Condition()
        self._waiting: dict[str, _Entry] = {}
        self._heap: list[tuple[float, str]] = []
        self._held: dict[str, float] = {}  # since when
        self._failures: dict[str, int] = {}
        self._is_open = True

    def add(self, key: str, cause: Cause, *, after_seconds: float = 0.0) -> None:
        """Ask for a pass over ``key``, now or later."""
        due = self._monotonic() + after_seconds
        with self._condition:
            known = self._waiting.get(key)
            if known is not None and known.due <= due:
                return
            self._waiting[key] = _Entry(due, cause)
            heapq.heappush(self._heap, (due, key))
            self._notes.added()
            self._condition.notify()

    def back_off(self, key: str, cause: Cause, *, at_least_seconds: float = 0.0) -> None:
        """Ask for a pass later, and later each time until `forget`.

        ``at_least_seconds``: a neighbour's own wish. It is not shortened in tests, and followed for a minute at most.
        """
        with self._condition:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            self._notes.retried()
        longest = min(_LAST_BACKOFF_SECONDS, _FIRST_BACKOFF_SECONDS * 2 ** min(failures, 12)) * self._scale
        ours, theirs = longest * random.uniform(0.5, 1.0), min(at_least_seconds, _LAST_BACKOFF_SECONDS)
        # Whoever was turned away together does not come back together.
        self.add(key, cause, after_seconds=max(ours, theirs * random.uniform(1.0, 1.5)))

    def forget(self, key: str) -> None:
        """Let the next back-off of ``key`` begin small again."""
        with self._condition:
            self._failures.pop(key, None)

    def take(self) -> tuple[str, Cause] | None:
        """Wait for a key that is due, and hold it until `done`. None once the queue is closed."""
        with self._condition:
            while self._is_open:
                wait_seconds = self._pop_due()
                if isinstance(wait_seconds, tuple):
                    return wait_seconds
                self._condition.wait(wait_seconds)
            return None

    def _pop_due(self) -> tuple[str, Cause] | float | None:
        """Return a due key, or the seconds until there may be one, or None to wait for an addition."""
        now = self._monotonic()
        while self._heap:
            due, key = self._heap[0]
            entry = self._waiting.get(key)
            if entry is None or entry.due != due or key in self._held:
                heapq.heappop(self._heap)  # superseded, or `done` will bring it back
                continue
            if due > now:
                return due - now
            heapq.heappop(self._heap)
            del self._waiting[key]
            self._held[key] = now
            self._notes.taken(now - due)
            return key, entry.cause
        return None

    def done(self, key: str) -> None:
        """Give a key back; whatever was asked for meanwhile becomes due in its turn."""
        now = self._monotonic()
        with self._condition:
            since = self._held.pop(key, None)
            if since is not None:
                self._notes.done(now - since)
            entry = self._waiting.get(key)
            if entry is not None:
                heapq.heappush(self._heap, (entry.due, key))
            self._condition.notify()

    def drop(self, key: str) -> None:
        """Forget all about a key that is gone."""
        with self._condition:
            self._waiting.pop(key, None)
            self._failures.pop(key, None)

    def close(self) -> None:
        """Hand out nothing more; every `take` returns None."""
        with self._condition:
            self._is_open = False
            self._condition.notify_all()

    def depth(self) -> int:
        """Return how many keys are due or held: what a person would call the backlog."""
        now = self._monotonic()
        with self._condition:
            return len(self._held) + sum(1 for entry in self._waiting.values() if entry.due <= now)

    def state(self) -> QueueState:
        """Return how things are now."""
        now = self._monotonic()
        with self._condition:
            late = [now - entry.due for key, entry in self._waiting.items() if key not in self._held]
            held_seconds = tuple(now - since for since in self._held.values())
        due = [seconds for seconds in late if seconds >= 0]
        return QueueState(len(due), max(due, default=0.0), held_seconds)
