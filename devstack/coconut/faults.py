"""The faults that a test can switch on: their names, their values, and the draw.

server.py applies those of the HTTP answers, callbacks.py those of the callbacks, and runner.py those of a job.
README.md has the table.
"""

import random
import threading
from dataclasses import dataclass

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
        "hold",
        "stuck",
        "fail",
        "canned",
    },
)
SECONDS = frozenset({"delay_seconds", "slow"})
NAMES = CHANCES | SECONDS
MAX_SECONDS = 86_400
SLOW_SECONDS = 20.0  # long enough to kill a process meanwhile, short enough to wait for


@dataclass(frozen=True)
class JobFaults:
    """The faults that one job meets, drawn when it is accepted."""

    is_held: bool = False
    is_stuck: bool = False
    fails: bool = False
    is_canned: bool = False
    slow_seconds: float = 0


class BadFaultError(Exception):
    """A fault is unknown or has a bad value. The message names it."""


class Faults:
    """The faults in force. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, FaultValue] = dict.fromkeys(sorted(NAMES), 0)

    def values(self) -> dict[str, FaultValue]:
        with self._lock:
            return dict(self._values)

    def set(self, changes: object) -> dict[str, FaultValue]:
        """Change the named faults and return all values. Raises BadFaultError, and then changes nothing."""
        if not isinstance(changes, dict):
            raise BadFaultError("faults must be a JSON object")
        for name, value in changes.items():
            if name not in NAMES:
                raise BadFaultError(f"unknown fault {name!r}; known are {', '.join(sorted(NAMES))}")
            limit = MAX_SECONDS if name in SECONDS else 1
            if not isinstance(value, bool | int | float) or not 0 <= value <= limit:
                raise BadFaultError(f"fault {name!r} must be true, false or a number from 0 to {limit}")
        with self._lock:
            self._values.update(changes)
            return dict(self._values)

    def clear(self) -> dict[str, FaultValue]:
        return self.set(dict.fromkeys(NAMES, 0))

    def strikes(self, name: str) -> bool:
        """Draw whether the fault strikes this time."""
        return random.random() < self.seconds(name)

    def seconds(self, name: str) -> float:
        with self._lock:
            return float(self._values[name])

    def of_job(self) -> JobFaults:
        slow = self.seconds("slow")
        return JobFaults(
            is_held=self.strikes("hold"),
            is_stuck=self.strikes("stuck"),
            fails=self.strikes("fail"),
            is_canned=self.strikes("canned"),
            slow_seconds=slow if slow > 1 else SLOW_SECONDS * self.strikes("slow"),
        )


def shuffled(count: int) -> list[int]:
    """Return the positions 0 … count-1 in another than the natural order, if there is one."""
    order = list(range(count))
    while count > 1 and order == sorted(order):
        random.shuffle(order)
    return order
