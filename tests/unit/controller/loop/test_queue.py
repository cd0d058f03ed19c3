"""Keys wait once, are held once, and come back at their time."""

import threading
import time

from controller.loop.queue import QueueState, WorkQueue
from domain.records import Cause
from tests.support.eventually import eventually
from tests.support.world.clock import ManualClock


def a_queue() -> tuple[WorkQueue, ManualClock]:
    clock = ManualClock(100.0)
    return WorkQueue(clock), clock


def taken_now(queue: WorkQueue) -> list[tuple[str, Cause]]:
    """Take all due keys without waiting for more."""
    keys: list[tuple[str, Cause]] = []
    while queue.state().depth:
        taken = queue.take()
        assert taken is not None
        keys.append(taken)
    return keys


def test_a_key_that_is_added_twice_is_taken_once() -> None:
    queue, _ = a_queue()
    queue.add("a", Cause.POLL)
    queue.add("a", Cause.CLAIM)
    assert taken_now(queue) == [("a", Cause.POLL)]


def test_the_earlier_time_wins_and_brings_its_cause() -> None:
    queue, clock = a_queue()
    queue.add("a", Cause.POLL, after_seconds=60)
    queue.add("a", Cause.CLAIM)
    assert taken_now(queue) == [("a", Cause.CLAIM)]
    queue.done("a")
    clock.now += 60
    assert queue.state().depth == 0


def test_a_later_key_is_not_due_yet() -> None:
    queue, clock = a_queue()
    queue.add("a", Cause.POLL, after_seconds=5)
    assert queue.state().depth == 0
    clock.now += 5
    assert taken_now(queue) == [("a", Cause.POLL)]


def test_a_held_key_is_handed_out_again_only_when_it_is_done() -> None:
    queue, _ = a_queue()
    queue.add("a", Cause.POLL)
    queue.add("b", Cause.POLL)
    assert queue.take() == ("a", Cause.POLL)
    queue.add("a", Cause.CLAIM)
    assert queue.take() == ("b", Cause.POLL)
    queue.done("b")
    queue.done("a")
    assert queue.take() == ("a", Cause.CLAIM)


def test_the_back_off_grows_to_a_bound_and_is_reset() -> None:
    queue, clock = a_queue()
    waits = []
    for _ in range(20):
        queue.back_off("a", Cause.POLL)
        start = clock.now
        while queue.state().depth == 0:
            clock.now += 0.05
        waits.append(clock.now - start)
        queue.take()
        queue.done("a")
    assert waits[0] <= 0.3
    assert waits[8] > 10 * waits[0]
    assert max(waits) <= 60.1
    queue.forget("a")
    queue.back_off("a", Cause.POLL)
    clock.now += 0.21
    assert queue.state().depth == 1


def test_closing_wakes_all_waiters() -> None:
    queue, _ = a_queue()
    answers: list[object] = ["still waiting"]
    waiter = threading.Thread(target=lambda: answers.__setitem__(0, queue.take()))
    waiter.start()
    queue.close()
    waiter.join(5)
    assert answers == [None]


class Notes:
    """What a queue tells of itself."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []

    def added(self) -> None:
        self.calls.append(("added", 0.0))

    def retried(self) -> None:
        self.calls.append(("retried", 0.0))

    def taken(self, waited_seconds: float) -> None:
        self.calls.append(("taken", waited_seconds))

    def done(self, worked_seconds: float) -> None:
        self.calls.append(("done", worked_seconds))


def test_waiting_and_holding_times_are_reported() -> None:
    clock, notes = ManualClock(100.0), Notes()
    queue = WorkQueue(clock, metrics=notes)
    queue.add("a", Cause.POLL, after_seconds=10)
    clock.now += 13
    queue.take()
    clock.now += 5
    queue.back_off("a", Cause.POLL)
    queue.done("a")
    assert notes.calls == [("added", 0.0), ("taken", 3.0), ("retried", 0.0), ("added", 0.0), ("done", 5.0)]


def test_the_state_counts_late_keys_apart_from_held_and_planned_ones() -> None:
    queue, clock = a_queue()
    for key, seconds in {"held": 0, "late": 1, "later": 2, "planned": 60}.items():
        queue.add(key, Cause.POLL, after_seconds=seconds)
    queue.take()
    queue.add("held", Cause.CLAIM)  # added again while a pass is made over it
    clock.now += 5
    assert queue.state() == QueueState(depth=2, oldest_seconds=4.0, running_seconds=(5.0,))


def shared(queue_size: int) -> tuple[WorkQueue, ManualClock]:
    """Return a queue in which Ann has that many due keys, and others came later with one each."""
    clock = ManualClock(100.0)
    queue = WorkQueue(clock, owner_of=lambda key: key.partition("-")[0])
    for number in range(queue_size):
        queue.add(f"ann-{number}", Cause.CLIENT)
    clock.now += 1
    queue.add("bob-0", Cause.CLIENT)
    queue.add("eve-0", Cause.CLIENT)
    return queue, clock


def test_a_thousand_keys_of_one_owner_delay_the_one_key_of_another_by_one_pass() -> None:
    queue, _ = shared(1_000)
    owners = [key[:3] for key, _ in taken_now(queue)]
    assert owners[:5] == ["ann", "bob", "eve", "ann", "ann"]
    assert len(owners) == 1_002


def test_another_owners_key_is_next_while_a_backlog_is_worked_on() -> None:
    queue, _ = shared(1_000)
    for _ in range(500):
        queue.take()
    queue.add("bob-1", Cause.CLIENT)
    assert [taken[0] for taken in (queue.take(), queue.take()) if taken is not None][1] == "bob-1"


def test_an_owners_own_keys_keep_their_order() -> None:
    queue, _ = shared(9)
    assert [key for key, _ in taken_now(queue) if key.startswith("ann")] == [f"ann-{number}" for number in range(9)]


def test_a_take_looks_at_no_more_keys_than_it_returns() -> None:
    looked_at: list[str] = []

    def owner_of(key: str) -> str:
        looked_at.append(key)
        return key[0]

    queue = WorkQueue(ManualClock(100.0), owner_of=owner_of)
    for number in range(1_000):
        queue.add(f"{number % 7}-{number}", Cause.CLIENT)
    assert len(taken_now(queue)) == len(looked_at) == 1_000


class CountingQueue(WorkQueue):
    """Counts how often a worker looks whether a key is due."""

    looks = 0

    def _pop_due(self) -> tuple[str, Cause] | float | None:
        self.looks += 1
        return super()._pop_due()


def test_a_key_that_becomes_due_wakes_one_of_the_workers_that_wait() -> None:
    workers, keys = 8, [f"key-{number}" for number in range(20)]
    queue, taken, all_taken = CountingQueue(time.monotonic), list[str](), threading.Event()

    def work() -> None:
        while (found := queue.take()) is not None:
            queue.done(found[0])
            taken.append(found[0])
            if len(taken) == len(keys):
                all_taken.set()

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    eventually(lambda: queue.looks >= workers, within_seconds=10)
    for number, key in enumerate(keys):
        queue.add(key, Cause.POLL, after_seconds=0.2 + 0.02 * number)
    assert all_taken.wait(10)
    queue.close()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(keys)
    # The worker that takes it looks for the next one, and so does the one that waits for that one's time.
    assert queue.looks <= 2 * workers + 3 * len(keys)


def test_an_earlier_key_is_taken_though_a_worker_waits_for_a_later_one() -> None:
    queue, taken = CountingQueue(time.monotonic), list[str]()

    def work() -> None:
        while (found := queue.take()) is not None:
            taken.append(found[0])

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    queue.add("later", Cause.POLL, after_seconds=3600)
    eventually(lambda: queue.looks >= 3, within_seconds=10)
    queue.add("soon", Cause.POLL, after_seconds=0.05)
    queue.add("now", Cause.POLL)
    eventually(lambda: len(taken) == 2, within_seconds=10)
    queue.close()
    for thread in threads:
        thread.join()
    assert taken == ["now", "soon"]
