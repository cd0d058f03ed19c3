"""At most so many threads inside one neighbour: one that hangs must not take the passes of the others.

A pass that finds its neighbour full is put off like one whose neighbour is away.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from crds.trouble import UnavailableError

Neighbour = TypeVar("Neighbour")


class FullError(UnavailableError):
    """We are busy with this neighbour; it was not asked, so this says nothing about it."""


class Bulkhead:
    """A counted door. Threads do not queue before it: they have other uploads to look at."""

    def __init__(self, name: str, *, at_most: int) -> None:
        self._name = name
        self._places = threading.BoundedSemaphore(at_most)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place inside. Raises FullError when there is none."""
        if not self._places.acquire(blocking=False):
            raise FullError(f"too many calls to {self._name} are under way")
        try:
            yield
        finally:
            self._places.release()


def behind(bulkhead: Bulkhead, neighbour: Neighbour) -> Neighbour:
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
            with self._bulkhead.place():
                return method(*args, **kwargs)

        return guarded
