"""A queue whose items become due at a time, for workers that wait on a condition instead of sleeping."""

import heapq
import itertools
import threading
import time
from typing import Generic, TypeVar

Item = TypeVar("Item")


class DelayedQueue(Generic[Item]):
    """Items come out when due; items due at the same time in the order they were put in."""

    def __init__(self, *, at_most: int) -> None:
        self._at_most = at_most
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Item]] = []
        self._numbers = itertools.count()
        self._is_closed = False

    def put(self, item: Item, *, delay_seconds: float = 0) -> bool:
        """Add an item; False when the queue is full or closed."""
        with self._changed:
            if self._is_closed or len(self._heap) >= self._at_most:
                return False
            heapq.heappush(self._heap, (time.monotonic() + delay_seconds, next(self._numbers), item))
            self._changed.notify()
            return True

    def get(self) -> Item | None:
        """Wait for the next item that is due; None when the queue is closed."""
        with self._changed:
            while not self._is_closed:
                if not self._heap:
                    self._changed.wait()
                    continue
                wait_seconds = self._heap[0][0] - time.monotonic()
                if wait_seconds <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(wait_seconds)
            return None

    def close(self) -> None:
        """Wake all who wait. What is still in the queue is not delivered."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._heap)
