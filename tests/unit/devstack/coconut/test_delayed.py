"""The queue that lets workers wait for a time without sleeping."""

import threading

from devstack.coconut.delayed import DelayedQueue


def test_items_come_in_the_order_in_which_they_are_due() -> None:
    queue = DelayedQueue[str](at_most=10)
    queue.put("later", delay_seconds=0.02)
    queue.put("first")
    queue.put("second")
    assert [queue.get(), queue.get(), queue.get()] == ["first", "second", "later"]


def test_a_worker_that_waits_wakes_for_a_nearer_item() -> None:
    queue = DelayedQueue[str](at_most=10)
    queue.put("in an hour", delay_seconds=3600)
    threading.Timer(0.01, queue.put, args=("now",)).start()
    assert queue.get() == "now"


def test_a_full_queue_takes_no_more() -> None:
    queue = DelayedQueue[str](at_most=1)
    assert queue.put("one")
    assert not queue.put("two")


def test_closing_wakes_all_workers_and_ends_the_queue() -> None:
    queue = DelayedQueue[str](at_most=10)
    queue.put("in an hour", delay_seconds=3600)
    threading.Timer(0.01, queue.close).start()
    assert queue.get() is None
    assert not queue.put("too late")
