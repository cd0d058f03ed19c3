"""A queue whose items become due at a time, for workers that wait on a condition instead of sleeping."""

import heapq
import itertools
import threading
import time
from typing import Generic, TypeVar

Item = TypeVar("Item")


class DelayedQueue(Generic[Item]):
    """Returns items when they are due; items due at the same time in the order in which they were added."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Item]] = []
        self._numbers = itertools.count()
        self._is_closed = False

    def put(self, item: Item, *, delay_seconds: float = 0) -> None:
        """Add an item. A closed queue ignores it."""
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + delay_seconds, next(self._numbers), item))
            self._changed.notify()

    def get(self) -> Item | None:
        """Wait for the next item that is due. Returns None when the queue is closed."""
        with self._changed:
            while not self._is_closed:
                wait_seconds = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait_seconds is not None and wait_seconds <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(wait_seconds)
            return None

    def close(self) -> None:
        """Wake all waiting workers. Items left in the queue are dropped."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
