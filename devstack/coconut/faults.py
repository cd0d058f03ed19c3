"""The faults that can be switched on: their names, what values they take, and drawing by chance.

What each fault does is done where it happens: answers in server.py, callbacks in callbacks.py, the fate
of a job in runner.py. The table for readers is in README.md.

A decision is a function of the seed, the fault and what it is about: the number of a POST, an event, a key. It
depends neither on other faults nor on the order in which threads happen to ask.
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
MAX_SEED = 2**63 - 1
SLOW_SECONDS = 20.0  # long enough to kill something meanwhile, short enough to wait for


class Fate(BaseModel):
    """What will befall one job. Drawn once, when it is accepted, so that a restart changes nothing."""

    model_config = ConfigDict(frozen=True)

    number: int = 0  # of the POST since the seed was given; what befalls the job's callbacks is drawn by it
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

    def __init__(self, seed: int | None = None) -> None:
        self._lock = threading.Lock()
        self._seed = random.SystemRandom().randint(0, MAX_SEED) if seed is None else seed
        self._posts = 0
        self._values: dict[str, FaultValue] = dict.fromkeys(sorted(NAMES), 0)

    @property
    def seed(self) -> int:
        """Return the seed in force, given or drawn at the start: with it a run can be had again."""
        with self._lock:
            return self._seed

    def values(self) -> dict[str, FaultValue]:
        with self._lock:
            return dict(self._values)

    def set(self, changes: object, *, seed: int | None = None) -> dict[str, FaultValue]:
        """Change the faults named, leave the others; all or nothing. Return all values.

        A seed starts the count of POSTs anew.
        """
        checked = _checked(changes)
        with self._lock:
            self._values.update(checked)
            if seed is not None:
                self._seed, self._posts = seed, 0
            return dict(self._values)

    def clear(self) -> dict[str, FaultValue]:
        return self.set(dict.fromkeys(NAMES, 0))

    def next_number(self) -> int:
        """Count one more POST: the first since the seed was given is 1."""
        with self._lock:
            self._posts += 1
            return self._posts

    def strikes(self, name: str, *about: object) -> bool:
        """Decide whether the fault strikes this time; ``about`` tells the times apart."""
        with self._lock:
            return self._chance(name, about).random() < self._values[name]

    def seconds(self, name: str) -> float:
        with self._lock:
            return float(self._values[name])

    def shuffled(self, count: int, *about: object) -> list[int]:
        """Return the positions 0 … count-1 in an order that is not the natural one, where there is another."""
        order = list(range(count))
        with self._lock:
            chance = self._chance("order", about)
        while count > 1 and order == sorted(order):
            chance.shuffle(order)
        return order

    def fate(self, number: int) -> Fate:
        return Fate(
            number=number,
            is_stuck=self.strikes("stuck", number),
            fails=self.strikes("fail", number),
            is_canned=self.strikes("canned", number),
            slow_seconds=self._slow_seconds(number),
        )

    def _slow_seconds(self, number: int) -> float:
        value = self.seconds("slow")
        if value > 1:
            return value
        return SLOW_SECONDS if self.strikes("slow", number) else 0

    def _chance(self, name: str, about: tuple[object, ...]) -> random.Random:
        return random.Random(repr((self._seed, name, about)))


def parse_seed(text: str) -> int:
    """Read a seed; BadFaultError when it is none."""
    if not text.isascii() or not text.isdecimal() or len(text) > 19 or int(text) > MAX_SEED:
        raise BadFaultError(f"'seed' must be a whole number from 0 to {MAX_SEED}")
    return int(text)


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
