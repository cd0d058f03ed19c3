"""The faults that can be switched on: their names, what values they take, and drawing by chance.

What each fault does is done where it happens: answers in server.py, callbacks in callbacks.py, the fate
of a job in runner.py. The table for readers is in README.md.
"""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

FaultValue = float | bool

CHANCES = frozenset(
    {
        "drop",
        "duplicate",
        "reorder",
        "forge",
        "http_429",
        "http_5xx_before",
        "http_5xx_after",
        "hang_after",
        "stuck",
        "fail",
        "canned",
    },
)
SECONDS = frozenset({"delay_seconds", "slow"})
NAMES = CHANCES | SECONDS
MAX_SECONDS = 86_400
SLOW_SECONDS = 20.0  # long enough to kill something meanwhile, short enough to wait for


class Fate(BaseModel):
    """What will befall one job. Drawn once, when it is accepted, so that a restart changes nothing."""

    model_config = ConfigDict(frozen=True)

    is_stuck: bool = False
    fails: bool = False
    is_canned: bool = False
    slow_seconds: float = 0


@dataclass(frozen=True)
class BadFaultError(Exception):
    """The message names the fault that is unknown or has a bad value."""

    message: str

    def __str__(self) -> str:
        return self.message


class Faults:
    """The faults in force. Safe to use from any thread."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.Random()
        self._lock = threading.Lock()
        self._values: dict[str, FaultValue] = dict.fromkeys(sorted(NAMES), 0)

    def values(self) -> dict[str, FaultValue]:
        with self._lock:
            return dict(self._values)

    def set(self, changes: object) -> dict[str, FaultValue]:
        """Change the faults named, leave the others; all or nothing. Return all values."""
        checked = _checked(changes)
        with self._lock:
            self._values.update(checked)
            return dict(self._values)

    def clear(self) -> dict[str, FaultValue]:
        return self.set(dict.fromkeys(NAMES, 0))

    def strikes(self, name: str) -> bool:
        """Draw whether the fault strikes this time."""
        with self._lock:
            return self._chance.random() < self._values[name]

    def seconds(self, name: str) -> float:
        with self._lock:
            return float(self._values[name])

    def shuffled(self, count: int) -> list[int]:
        """Return the positions 0 … count-1 in an order that is not the natural one, where there is another."""
        order = list(range(count))
        with self._lock:
            while count > 1 and order == sorted(order):
                self._chance.shuffle(order)
        return order

    def fate(self) -> Fate:
        return Fate(
            is_stuck=self.strikes("stuck"),
            fails=self.strikes("fail"),
            is_canned=self.strikes("canned"),
            slow_seconds=self._slow_seconds(),
        )

    def _slow_seconds(self) -> float:
        value = self.seconds("slow")
        if value > 1:
            return value
        return SLOW_SECONDS if self.strikes("slow") else 0


def _checked(changes: object) -> Mapping[str, FaultValue]:
    if not isinstance(changes, dict):
        raise BadFaultError("faults must be a JSON object")
    for name, value in changes.items():
        if name not in NAMES:
            raise BadFaultError(f"unknown fault {name!r}; known are {', '.join(sorted(NAMES))}")
        limit = MAX_SECONDS if name in SECONDS else 1
        if not isinstance(value, bool | int | float) or not 0 <= value <= limit:
            raise BadFaultError(f"fault {name!r} must be true, false or a number from 0 to {limit}")
    return changes
