"""At most so many threads inside one neighbour: one that hangs must not take the passes of the others.

A pass that finds its neighbour full waits as long as others come and go: a place is free in a moment then, and being
put off costs a read in Postgres and longer and longer pauses. Where nobody moves it is put off at once, like one
whose neighbour is away.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from domain.errors import UnavailableError

Neighbour = TypeVar("Neighbour")


class BulkheadFullError(UnavailableError):
    """We are busy with this neighbour; it was not asked, so this says nothing about it."""


class Bulkhead:
    """A counted door. ``patience_seconds``: after so long without anybody coming or going nobody waits before it."""

    def __init__(
        self,
        name: str,
        *,
        at_most: int,
        patience_seconds: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._free = at_most
        self._patience_seconds = patience_seconds
        self._monotonic = monotonic
        self._moved_at = -math.inf
        self._door = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a place inside. Raises FullError when there is none and none becomes free."""
        with self._door:
            while self._free <= 0:
                seconds = self._moved_at + self._patience_seconds - self._monotonic()
                if seconds <= 0:
                    raise BulkheadFullError(f"too many calls to {self._name} are under way")
                self._door.wait(seconds)
            self._moves(-1)
        try:
            yield
        finally:
            with self._door:
                self._moves(+1)
                self._door.notify()

    def _moves(self, free: int) -> None:
        self._free += free
        self._moved_at = self._monotonic()


def guard(bulkhead: Bulkhead, neighbour: Neighbour) -> Neighbour:
    """Return ``neighbour`` with every method call going through the bulkhead."""
    return cast("Neighbour", _Guarded(bulkhead, neighbour))


class _Guarded:
    def __init__(self, bulkhead: Bulkhead, neighbour: object) -> None:
        self._bulkhead = bulkhead
        self._neighbour = neighbour

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._neighbour, name)

        @wraps(method)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with self._bulkhead.slot():
                return method(*args, **kwargs)

        return guarded
