"""A time budget for work that makes many calls: once it is spent, no further call to an upstream begins.

Each call has a deadline of its own, so the work ends soon after. Calls to Postgres go on: they are few and short, and
what was done must be recorded.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from domain.errors import UnavailableError


class BudgetSpentError(UnavailableError):
    """Our own limit was reached. The upstream was not called, so this says nothing about its health."""


class TimeBudget:
    """The time that one piece of work may take, and what has taken it."""

    def __init__(self, work: str, *, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._seconds = seconds
        self._monotonic = monotonic
        self._ends_at = monotonic() + seconds
        self._spent: dict[str, float] = {}

    @property
    def is_spent(self) -> bool:
        """Return whether the time is over."""
        return self._monotonic() > self._ends_at

    def __str__(self) -> str:
        """Return what took the time."""
        text = f"{self._work} took longer than {self._seconds:g} s"
        if not self._spent:
            return text
        longest = max(self._spent, key=self._spent.__getitem__)
        return f"{text}: {self._spent[longest]:.0f} s in {longest}"

    @contextmanager
    def spending_on(self, name: str) -> Iterator[None]:
        """Note the time inside as spent on ``name``."""
        began_at = self._monotonic()
        try:
            yield
        finally:
            self._spent[name] = self._spent.get(name, 0.0) + self._monotonic() - began_at

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Do not count the time inside."""
        began_at = self._monotonic()
        try:
            yield
        finally:
            self._ends_at += self._monotonic() - began_at


_current: ContextVar[TimeBudget | None] = ContextVar("time_budget", default=None)


@contextmanager
def limited(budget: TimeBudget) -> Iterator[None]:
    """Let all work inside spend this budget."""
    token = _current.set(budget)
    try:
        yield
    finally:
        _current.reset(token)


def check() -> None:
    """Raise BudgetSpentError if the surrounding budget, if there is one, is spent."""
    budget = _current.get()
    if budget is not None and budget.is_spent:
        raise BudgetSpentError(str(budget))


@contextmanager
def spending_on(name: str) -> Iterator[None]:
    """Note the time inside as spent on ``name``."""
    budget = _current.get()
    if budget is None:
        yield
        return
    with budget.spending_on(name):
        yield


@contextmanager
def uncounted() -> Iterator[None]:
    """Do not count the time of a call that may take longer than the whole budget."""
    budget = _current.get()
    if budget is None:
        yield
        return
    token = _current.set(None)
    try:
        with budget.pausing():
            yield
    finally:
        _current.reset(token)
