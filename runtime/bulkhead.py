"""Bulkheads: a limit on the threads that call one upstream at a time, so that a hanging one cannot block all passes.

A thread that finds the bulkhead full waits while other calls begin and end: a slot is free in a moment then, and
requeuing a pass costs a read in Postgres and ever longer pauses. If no call has begun or ended for a while, or the last
one ended without an answer, the thread is turned away at once, as if the upstream were unavailable. See
docs/decisions/0006-threads-and-bulkheads.md.
"""

import copy
import inspect
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, Protocol, TypeVar

from domain.errors import UnavailableError
from runtime import time_budget, tracing
from runtime.time_budget import BudgetSpentError

Upstream = TypeVar("Upstream")
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class BulkheadFullError(UnavailableError):
    """Our own limit was reached. The upstream was not called, so this says nothing about its health."""


class Bulkhead:
    """A counter of free slots. ``patience_seconds``: after so long without a call beginning or ending, do not wait."""

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
        self._changed_at = -math.inf
        # True from an unavailable upstream's last call until one is answered: waiting would only occupy more threads.
        self._is_unavailable = False
        self._changed = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Hold one slot. Raises BulkheadFullError if none is free and none becomes free."""
        with self._changed:
            while self._free <= 0:
                seconds = self._changed_at + self._patience_seconds - self._monotonic()
                if seconds <= 0:
                    raise BulkheadFullError(f"too many calls to {self._name} are under way")
                self._changed.wait(seconds)
            self._record(-1)
        is_unavailable = False
        try:
            yield
        except BudgetSpentError:
            raise
        except UnavailableError:
            is_unavailable = True
            raise
        finally:
            with self._changed:
                self._is_unavailable = is_unavailable
                self._record(+1)
                self._changed.notify_all() if is_unavailable else self._changed.notify()

    def limit(self, call: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """Return ``call`` so that each call of it holds a slot."""

        @wraps(call)
        def limited(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            time_budget.check()
            with (
                time_budget.spending_on(f"{self._name} {call.__name__}"),
                tracing.calling(self._name, call.__name__),
                self.slot(),
            ):
                return call(*args, **kwargs)

        return limited

    def _record(self, freed: int) -> None:
        self._free += freed
        self._changed_at = -math.inf if self._is_unavailable else self._monotonic()


class Limit(Protocol):
    """What a call to an upstream passes through: a bulkhead or a breaker."""

    def limit(self, call: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
        """Return ``call`` so that each call of it passes through."""


_NO_MORE: Mapping[str, Bulkhead] = {}


def guard(
    limit: Limit, upstream: Upstream, *, unguarded: Collection[str] = (), inner: Mapping[str, Bulkhead] = _NO_MORE
) -> Upstream:
    """Return a copy of ``upstream`` whose public methods each hold a slot while they run.

    ``unguarded`` are the methods that send no request. ``inner``: methods that take long also need a slot of a smaller
    bulkhead, so that they leave slots to the others. All stay bound to ``upstream``: a method that calls another takes
    no second slot.
    """
    guarded = copy.copy(upstream)
    for name, method in inspect.getmembers(upstream, inspect.ismethod):
        if not name.startswith("_") and name not in unguarded:
            # The smaller one is entered first: what waits there holds no slot of the larger one.
            limited = limit.limit(method)
            setattr(guarded, name, inner[name].limit(limited) if name in inner else limited)
    return guarded
