"""Few fetches run at once, half of them of one owner, and each end requests a pass."""

import threading
from collections.abc import Callable, Iterator

import pytest

from controller.loop.fetch_pool import FetchPool, FetchState
from runtime.heartbeats import Heartbeats
from tests.support.eventually import eventually


class Fetching:
    """Fetches that last until they are let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.woken: list[tuple[str, float]] = []
        self.ends: dict[str, Callable[[], float | None]] = {}
        self._gates: dict[str, threading.Event] = {}
        self._changed = threading.Condition()

    def fetch(self, video_id: str) -> float | None:
        gate = self._gates.setdefault(video_id, threading.Event())
        self.begun.append(video_id)
        gate.wait(20)
        return self.ends.get(video_id, lambda: 0.0)()

    def let_go(self, video_id: str) -> None:
        self._gates.setdefault(video_id, threading.Event()).set()

    def wake(self, video_id: str, seconds: float) -> None:
        self.woken.append((video_id, seconds))


@pytest.fixture
def fetching() -> Iterator[Fetching]:
    fetching = Fetching()
    yield fetching
    for video_id in list(fetching.begun):
        fetching.let_go(video_id)


def pool_of(fetching: Fetching, at_once: int = 4) -> FetchPool:
    pool = FetchPool(at_once=at_once, beats=Heartbeats())
    pool.start(fetching.fetch, wake=fetching.wake)
    return pool


def test_slow_servers_of_one_owner_leave_half_of_the_places_to_others(fetching: Fetching) -> None:
    pool = pool_of(fetching)
    assert [pool.request(f"a{number}", "ann") for number in range(4)] == [True, True, False, False]
    assert pool.request("b0", "bob")
    eventually(lambda: len(fetching.begun) == 3, within_seconds=10)
    assert pool.request("a0", "ann"), "it runs already"
    assert not pool.request("a3", "ann")
    assert pool.state() == FetchState(running=3, waiting=2)
    assert len(fetching.begun) == 3


def test_owners_take_turns_and_each_end_starts_the_next_and_requests_a_pass(fetching: Fetching) -> None:
    pool = pool_of(fetching, at_once=1)
    for video_id, owner in (("a0", "ann"), ("a1", "ann"), ("a2", "ann"), ("b0", "bob")):
        pool.request(video_id, owner)
    for video_id in ("a0", "a1", "b0", "a2"):
        eventually(lambda video_id=video_id: fetching.begun[-1:] == [video_id], within_seconds=10)  # type: ignore[misc]
        fetching.let_go(video_id)
    eventually(lambda: [video_id for video_id, _ in fetching.woken] == ["a0", "a1", "b0", "a2"], within_seconds=10)


def test_nothing_begins_before_the_start_or_after_the_stop(fetching: Fetching) -> None:
    pool = FetchPool(at_once=2, beats=Heartbeats())
    assert not pool.request("a0", "ann")
    pool.start(fetching.fetch, wake=fetching.wake)
    eventually(lambda: fetching.begun == ["a0"], within_seconds=10)
    pool.stop()
    assert not pool.request("b0", "bob")
    assert fetching.begun == ["a0"]


def test_a_fetch_that_fails_unexpectedly_frees_its_place_and_is_tried_again(fetching: Fetching) -> None:
    def fails() -> float | None:
        raise ValueError("unexpected")

    pool = pool_of(fetching, at_once=1)
    fetching.ends = {"a0": fails, "b0": lambda: None}
    pool.request("a0", "ann")
    pool.request("b0", "bob")
    fetching.let_go("a0")
    fetching.let_go("b0")
    eventually(lambda: fetching.begun == ["a0", "b0"], within_seconds=10)
    eventually(lambda: [video_id for video_id, _ in fetching.woken] == ["a0"], within_seconds=10)
    assert fetching.woken[0][1] > 0
