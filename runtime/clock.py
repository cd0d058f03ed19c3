"""What time it is: by a clock that is never set, and by the clock of a server that several processes share.

No process compares its own clock with a time that another one wrote: the clocks of machines differ, and one of them may
be minutes wrong. Rows are written and compared by the time of Postgres, requests to storage are signed by that of
storage, each as this process last measured it (`SharedClock`).
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

# Linux stops CLOCK_MONOTONIC during a suspend; elsewhere the monotonic clock goes on, or there is no better one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_MEASURED_EVERY_SECONDS = 60.0
_UNKNOWN_EVERY_SECONDS = 2.0
# Quartz is wrong by up to a hundred parts in a million; twice that, since two clocks drift.
_DRIFT = 2e-4


def elapsed() -> float:
    """Return seconds since an arbitrary moment, those of a suspend included.

    A hypervisor that pauses a machine may stop this clock too: see `is_open` in database/attempts.py.
    """
    return time.clock_gettime(_CLOCK)


def own_time() -> datetime:
    """Return the time of the machine's own clock, which may be wrong."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class _Measurement:
    """Seconds since the epoch at the server less `elapsed` here: the middle of what is possible, and half its width."""

    offset: float
    error: float
    at: float

    def error_at(self, now: float) -> float:
        return self.error + _DRIFT * (now - self.at)


class SharedClock:
    """The time of a server, called like a function. Thread-safe.

    Between measurements it goes on with `elapsed`, so it stays right when the machine's own clock is set. Before the
    first one it returns ``otherwise``.
    """

    def __init__(
        self,
        otherwise: Callable[[], datetime] = own_time,
        *,
        own: Callable[[], datetime] = own_time,
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        self._otherwise = otherwise
        self._own = own
        self._elapsed = elapsed
        self._lock = threading.Lock()
        self._measurement: _Measurement | None = None
        self._due_at = elapsed()

    def __call__(self) -> datetime:
        """Return the time."""
        measurement = self._measurement
        if measurement is None:
            return self._otherwise()
        return datetime.fromtimestamp(measurement.offset + self._elapsed(), UTC)

    def begin(self) -> float | None:
        """Return when a measurement begins that the caller is to make now; None if none is due.

        One is due once a minute, and until the first succeeds every two seconds.
        """
        if self._elapsed() < self._due_at:
            return None
        with self._lock:
            began = self._elapsed()
            if began < self._due_at:
                return None
            is_known = self._measurement is not None
            self._due_at = began + (_MEASURED_EVERY_SECONDS if is_known else _UNKNOWN_EVERY_SECONDS)
            return began

    def measured(self, theirs: datetime, *, began: float, precision_seconds: float = 0.0) -> None:
        """Take what the server stated between ``began`` and now. ``precision_seconds``: it left out what is smaller.

        A measurement that took long says less than an earlier one, which is kept unless the two contradict each other.
        """
        now, stated = self._elapsed(), theirs.timestamp()
        lowest, highest = stated - now, stated + precision_seconds - began
        new, old = _Measurement((lowest + highest) / 2, (highest - lowest) / 2, now), self._measurement
        is_better = old is None or new.error <= old.error_at(now)
        if old is None or is_better or abs(new.offset - old.offset) > new.error + old.error_at(now):
            self._measurement = new
            self._due_at = now + _MEASURED_EVERY_SECONDS

    def skew_seconds(self) -> float | None:
        """Return by how much the machine's own clock is ahead of the server's; None before the first measurement."""
        if self._measurement is None:
            return None
        return (self._own() - self()).total_seconds()


@dataclass(frozen=True)
class Clocks:
    """The clocks that a process measures. Storage's is Postgres' until storage has answered."""

    postgres: SharedClock
    storage: SharedClock

    @classmethod
    def make(cls) -> Self:
        """Return clocks that are not measured yet."""
        postgres = SharedClock()
        return cls(postgres, SharedClock(postgres))

    def by_name(self) -> Mapping[str, SharedClock]:
        """Return the clocks by the name that the metric has."""
        return {"postgres": self.postgres, "storage": self.storage}
