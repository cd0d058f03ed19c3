"""How far the builds of Go tools are, and how long the rest will take.

`go build -v` names each package that it has compiled, and a pinned program has a known number of them. What is left is
estimated from the usual time of each program and from the pace of this machine so far.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# Before this much of the usual time is done, the pace says nothing: modules are still being downloaded.
_PACE_AFTER_SECONDS = 20
_BAR_WIDTH = 24


@dataclass(frozen=True)
class Expected:
    """What one build usually takes, from empty caches on two cores."""

    seconds: float
    # How many it compiles; 0 if that was never counted, and then it is all or nothing.
    packages: int = 0


class BuildProgress:
    """The state of several builds; safe to use from their threads. ``clock`` returns seconds."""

    def __init__(self, expected: Mapping[str, Expected], *, clock: Callable[[], float]) -> None:
        self._expected = dict(expected)
        self._clock = clock
        self._began = clock()
        self._compiled = dict.fromkeys(expected, 0)
        self._running: list[str] = []
        self._finished: set[str] = set()
        self._lock = threading.Lock()

    def started(self, name: str) -> None:
        """Record that a build runs now."""
        with self._lock:
            self._running.append(name)

    def compiled(self, name: str) -> None:
        """Record that a build has compiled one more package."""
        with self._lock:
            self._compiled[name] += 1

    def finished(self, name: str) -> None:
        """Record that a build has ended, or was not needed."""
        with self._lock:
            self._finished.add(name)
            self._running = [running for running in self._running if running != name]

    def fraction(self) -> float:
        """Return the part of the usual time that is done, between 0 and 1."""
        with self._lock:
            return self._done_seconds() / self._total_seconds()

    def left_seconds(self) -> float:
        """Return the estimated time until all builds have ended."""
        with self._lock:
            done, spent = self._done_seconds(), self._clock() - self._began
            pace = spent / done if done >= _PACE_AFTER_SECONDS else 1
            return (self._total_seconds() - done) * pace

    def line(self) -> str:
        """Return one line for people: a bar, what is left, and what is being built."""
        filled = round(self.fraction() * _BAR_WIDTH)
        with self._lock:
            running = ", ".join(self._shown(name) for name in self._running)
        bar = "#" * filled + "." * (_BAR_WIDTH - filled)
        return f"[{bar}] {rounded(self.left_seconds())} left: {running or 'waiting'}"

    def _shown(self, name: str) -> str:
        packages = self._expected[name].packages
        return f"{name} ({self._compiled[name]} of {packages} packages)" if packages else name

    def _done_seconds(self) -> float:
        return sum(about.seconds * self._done(name, about) for name, about in self._expected.items())

    def _done(self, name: str, about: Expected) -> float:
        if name in self._finished:
            return 1
        # Linking comes after the last package, so a build that has compiled all of them still has work to do.
        return min(0.95, self._compiled[name] / about.packages) if about.packages else 0

    def _total_seconds(self) -> float:
        return sum(about.seconds for about in self._expected.values())


def rounded(seconds: float) -> str:
    """Return a duration as precise as an estimate is: ``about 5 min``, ``about 40 s``."""
    if seconds >= 90:
        return f"about {seconds / 60:.0f} min"
    return f"about {max(10, round(seconds, -1)):.0f} s"
