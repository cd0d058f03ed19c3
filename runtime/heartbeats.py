"""Heartbeats: every thread and loop that runs for long beats in each round, and one that stops beating is named.

Waiting counts as beating, and every call to an upstream has a deadline. So a part that is idle, busy or without its
upstreams keeps beating, and one that does not is stuck or has died: only a restart helps.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import structlog

log = structlog.get_logger(__name__)

# For a loop that makes one or a few calls in a round: each ends within seconds, or within a slow look-up of a name.
ROUND_SECONDS = 120.0
# How long a part waits between two beats at most.
_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class LatePart:
    """A part that has not beaten for too long."""

    part: str
    seconds: float
    at_most_seconds: float

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.part}: no beat for {self.seconds:.0f} s, at most {self.at_most_seconds:.0f} s are usual"


class Heartbeat:
    """The beats of one thread or loop."""

    def __init__(self, part: str, *, at_most_seconds: float, monotonic: Callable[[], float]) -> None:
        """``at_most_seconds``: the longest round."""
        self.part = part
        self._round_seconds = at_most_seconds
        self._allowed_seconds = 0.0
        self._monotonic = monotonic
        self._recorded_at = monotonic()
        self._thread_id: int | None = None
        self._is_logged = False

    @property
    def at_most_seconds(self) -> float:
        """Return how long the current round may take."""
        return self._round_seconds + self._allowed_seconds

    @property
    def age_seconds(self) -> float:
        """Return the time since the last beat."""
        return max(0.0, self._monotonic() - self._recorded_at)

    def record(self) -> None:
        """Record a beat of the calling thread."""
        self._thread_id, self._recorded_at, self._is_logged = threading.get_ident(), self._monotonic(), False

    @contextmanager
    def allowing(self, seconds: float) -> Iterator[None]:
        """Let one call inside take so much longer."""
        self.record()
        self._allowed_seconds += seconds
        try:
            yield
        finally:
            # First the beat: in between, the limit must not be the short one with the age of the long call.
            self.record()
            self._allowed_seconds -= seconds

    def late(self) -> LatePart | None:
        """Return how late this part is, None if it is not. The first time, its stack is logged."""
        age, limit = self.age_seconds, self.at_most_seconds
        if age <= limit:
            return None
        if not self._is_logged:
            self._is_logged = True
            log.error("part_stuck", part=self.part, seconds=round(age), stack=self._stack())
        return LatePart(self.part, age, limit)

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._thread_id) if self._thread_id is not None else None
        return "the thread has ended" if frame is None else "".join(traceback.format_stack(frame))


class Heartbeats:
    """The heartbeats of one process. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._beats: list[Heartbeat] = []

    def thread(
        self,
        part: str,
        target: Callable[[], object],
        *,
        at_most_seconds: float = ROUND_SECONDS,
        name: str | None = None,
        daemon: bool = False,
    ) -> threading.Thread:
        """Return a thread that beats in `record` and `wait`, from its start until ``target`` returns.

        A target that raises has died: its part stays, and becomes late.
        """
        beat = Heartbeat(part, at_most_seconds=at_most_seconds, monotonic=self._monotonic)
        return _BeatingThread(self, beat, target, name=name or part, daemon=daemon)

    @contextmanager
    def during(self, part: str, *, at_most_seconds: float = ROUND_SECONDS) -> Iterator[Heartbeat]:
        """Let the calling thread beat as ``part`` inside."""
        beat = Heartbeat(part, at_most_seconds=at_most_seconds, monotonic=self._monotonic)
        self.begin(beat)
        token = _current.set(beat)
        try:
            yield beat
        finally:
            _current.reset(token)
            self.end(beat)

    def late(self) -> list[LatePart]:
        """Return the parts that have not beaten for too long."""
        return [late for beat in self._all() if (late := beat.late()) is not None]

    def ages(self) -> dict[str, tuple[float, float]]:
        """Return the seconds since the last beat of each part, and the limit; of parts with one name, the latest."""
        ages: dict[str, tuple[float, float]] = {}
        for beat in self._all():
            age, limit = beat.age_seconds, beat.at_most_seconds
            before = ages.get(beat.part)
            if before is None or age / limit > before[0] / before[1]:
                ages[beat.part] = (age, limit)
        return ages

    def _all(self) -> list[Heartbeat]:
        with self._lock:
            return list(self._beats)

    def begin(self, beat: Heartbeat) -> None:
        """Expect beats of this part from now on."""
        beat.record()
        with self._lock:
            self._beats.append(beat)

    def end(self, beat: Heartbeat) -> None:
        """Expect no more beats of this part."""
        with self._lock:
            self._beats.remove(beat)


class _BeatingThread(threading.Thread):
    def __init__(
        self, beats: Heartbeats, beat: Heartbeat, target: Callable[[], object], *, name: str, daemon: bool
    ) -> None:
        super().__init__(name=name, daemon=daemon)
        self._beats = beats
        self._beat = beat
        self._work = target

    def start(self) -> None:
        self._beats.begin(self._beat)
        try:
            super().start()
        except RuntimeError:
            self._beats.end(self._beat)
            raise

    def run(self) -> None:
        # Each thread has a context of its own, which ends with it.
        _current.set(self._beat)
        self._beat.record()
        self._work()
        self._beats.end(self._beat)


_current: ContextVar[Heartbeat | None] = ContextVar("heartbeat", default=None)


def record() -> None:
    """Record a beat of the part that the calling thread is, if it is one."""
    beat = _current.get()
    if beat is not None:
        beat.record()


def wait(event: threading.Event, seconds: float) -> bool:
    """Wait for an event as `threading.Event.wait` does, and beat meanwhile."""
    record()
    while seconds > _WAIT_SECONDS:
        if event.wait(_WAIT_SECONDS):
            return True
        record()
        seconds -= _WAIT_SECONDS
    is_set = event.wait(seconds)
    record()
    return is_set


def bounded_wait(seconds: float | None) -> float:
    """Return how long a part may wait for a condition before its next beat. None: without an end."""
    return _WAIT_SECONDS if seconds is None else min(seconds, _WAIT_SECONDS)


@contextmanager
def allowing(seconds: float) -> Iterator[None]:
    """Let one call inside take so much longer than a round of the calling thread's part."""
    beat = _current.get()
    if beat is None:
        yield
        return
    with beat.allowing(seconds):
        yield
