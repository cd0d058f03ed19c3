"""The operator's own threads go on through trouble, keep their turns, and end when told."""

import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from controller.loop.threads import listen, repeat_until, resync_until, wait_for_cache_sync
from database import notify
from database.notify import Wakeup
from domain.errors import RefusedError, UnavailableError
from domain.records import Cause

URL = "postgresql://nobody@nowhere/nothing"
NUDGE = Wakeup("a", Cause.CLAIM)
TROUBLES = [
    pytest.param(lambda: UnavailableError("no answer"), id="away"),
    pytest.param(lambda: RefusedError("HTTP 403"), id="refused"),
    pytest.param(lambda: KeyError("a bug"), id="a-bug"),
]


class Patience(threading.Event):
    """An event for which nobody waits: it counts the pauses, and is set at the last of ``turns``."""

    def __init__(self, turns: int) -> None:
        super().__init__()
        self.pauses: list[float | None] = []
        self._turns = turns

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        if len(self.pauses) == self._turns:
            self.set()
        return self.is_set()


class Ear:
    """Plays `listen`: each connection yields what it was given, and then is lost with its error or by a stop."""

    def __init__(self, stop: threading.Event, *connections: list[Wakeup | Exception | None]) -> None:
        self._stop = stop
        self._connections = list(connections)
        self.is_heard_after_stop = False

    def __call__(self, url: str, *, quiet_seconds: float) -> Iterator[Wakeup | None]:
        assert url == URL
        assert quiet_seconds <= 1
        for heard in self._connections.pop(0) if self._connections else []:
            if isinstance(heard, Exception):
                raise heard
            yield heard
        self._stop.set()
        yield None
        self.is_heard_after_stop = True


@pytest.fixture
def queue() -> WorkQueue:
    return WorkQueue(lambda: 0.0)


def test_a_nudge_is_a_pass_with_its_cause(queue: WorkQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    ear = Ear(stop, [None, NUDGE, None])
    monkeypatch.setattr(notify, "listen", ear)
    listen(stop, URL, queue)
    assert queue.depth() == 1
    assert queue.take() == ("a", Cause.CLAIM)
    assert not ear.is_heard_after_stop


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_lost_connection_is_opened_again_after_a_pause(
    queue: WorkQueue, trouble: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Patience(9)
    monkeypatch.setattr(notify, "listen", Ear(stop, [None, trouble()], [trouble()], [None, NUDGE]))
    listen(stop, URL, queue)
    assert queue.depth() == 1
    assert stop.pauses == [1, 1]


def test_an_ear_that_hears_nothing_ends_when_told(queue: WorkQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Patience(1)
    monkeypatch.setattr(notify, "listen", Ear(stop, [UnavailableError("no answer")]))
    listen(stop, URL, queue)
    assert stop.pauses == [1]


class Halves:
    """Plays the sweep, and writes down what it is asked for."""

    def __init__(self, trouble: Callable[[], Exception] | None = None) -> None:
        self.turns: list[str] = []
        self._trouble = trouble

    def resources(self) -> int:
        return self._turn("resources")

    def start(self) -> int:
        return self._turn("start")

    def rows(self) -> int:
        return self._turn("rows")

    def _turn(self, half: str) -> int:
        self.turns.append(half)
        if self._trouble is not None:
            raise self._trouble()
        return 1


def swept(stop: threading.Event, halves: Halves, *, resync_seconds: float = 90) -> list[str]:
    """Resync every 30 seconds until ``stop``; returns the turns that were made."""
    sweep = cast("Resync", halves)
    resync_until(stop, sweep, ResourceCache(), sweep_seconds=30, resync_seconds=resync_seconds)
    return halves.turns


def test_the_first_turn_asks_for_all_work_and_the_list_comes_back_in_its_time() -> None:
    stop = Patience(5)
    assert swept(stop, Halves()) == ["start", "rows", "rows", "resources", "rows", "rows"]
    assert stop.pauses == [30] * 5


def test_a_list_that_is_wanted_more_often_than_the_sweep_comes_with_each() -> None:
    assert swept(Patience(2), Halves(), resync_seconds=1) == ["start", "resources", "rows"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_with_one_half_ends_neither_the_other_nor_the_sweeping(trouble: Callable[[], Exception]) -> None:
    assert swept(Patience(4), Halves(trouble)) == ["start", "start", "start", "resources", "start"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_all_work_is_asked_for_until_that_was_done_once(trouble: Callable[[], Exception]) -> None:
    """What is on its way and looks as it should is found by no other half: nobody would poll it, nor see it end."""
    assert swept(Patience(5), ReluctantStart(3, trouble), resync_seconds=300) == ["start"] * 3 + ["rows"] * 2


class ReluctantStart(Halves):
    """Comes to the end of all work at the last of ``times``."""

    def __init__(self, times: int, trouble: Callable[[], Exception]) -> None:
        super().__init__(trouble)
        self._times = times

    def start(self) -> int:
        if len(self.turns) == self._times - 1:
            self._trouble = None
        return super().start()


class Reluctant(Halves):
    """Gives the whole list at the last of ``times``."""

    def __init__(self, times: int, trouble: Callable[[], Exception]) -> None:
        super().__init__(trouble)
        self._times = times

    def resources(self) -> int:
        if len(self.turns) == self._times - 1:
            self._trouble = None
        return super().resources()


def test_the_first_list_is_read_once() -> None:
    stop, halves = Patience(1), Halves()
    assert wait_for_cache_sync(stop, cast("Resync", halves))
    assert (halves.turns, stop.pauses) == (["resources"], [])


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_first_list_is_asked_for_later_and_later_until_it_is_complete(trouble: Callable[[], Exception]) -> None:
    stop, halves = Patience(99), Reluctant(8, trouble)
    assert wait_for_cache_sync(stop, cast("Resync", halves))
    assert halves.turns == ["resources"] * 8
    assert stop.pauses == [0.5, 1, 2, 4, 8, 15, 15]


def test_a_first_list_that_never_comes_ends_when_told() -> None:
    halves = Halves(lambda: UnavailableError("no answer"))
    assert not wait_for_cache_sync(Patience(3), cast("Resync", halves))
    assert halves.turns == ["resources"] * 3


def test_a_sweep_that_was_stopped_before_does_nothing() -> None:
    stop = threading.Event()
    stop.set()
    assert swept(stop, Halves()) == []


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_walk_is_repeated_through_trouble_until_told(trouble: Callable[[], Exception]) -> None:
    stop, calls = Patience(4), list[int]()

    def half() -> int:
        calls.append(1)
        raise trouble()

    repeat_until(stop, "abandoned_uploads", half, every_seconds=7)
    assert (len(calls), stop.pauses) == (3, [7, 7, 7, 7])
