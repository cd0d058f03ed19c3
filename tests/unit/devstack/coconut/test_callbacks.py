"""Which callbacks are sent, how often and in which order; sending itself is a function here."""

import queue
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from devstack.coconut.callbacks import Callback, Callbacks
from devstack.coconut.faults import Faults
from devstack.coconut.job import Job, OutputState
from devstack.coconut.request import Notification

URL = "http://h/hook?video=v1&attempt=2&sig=0abc"
EVERYTHING = Notification(url=URL, wants_events=True, wants_metadata=False)
END = "end"


class Webhook:
    """Receives what is sent; ``received`` waits for the job that marks the end."""

    def __init__(self) -> None:
        self._arrivals: queue.SimpleQueue[Callback] = queue.SimpleQueue()
        self.status = 204

    def send(self, callback: Callback) -> int:
        self._arrivals.put(callback)
        if self.status == 0:
            raise requests.ConnectionError
        return self.status

    def received(self) -> list[Callback]:
        callbacks = []
        while (callback := self._arrivals.get(timeout=5)).job_id != END:
            callbacks.append(callback)
        return callbacks


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def told(webhook: Webhook, faults: Faults) -> Iterator[Callable[[Notification], list[Callback]]]:
    """Tell of a whole job, and return what the webhook received."""
    callbacks = Callbacks(faults, send=webhook.send)
    # All jobs in one queue, so that the end marker arrives last.
    callbacks._queues[1:] = callbacks._queues[:1] * 3
    callbacks.start()

    def tell(notification: Notification) -> list[Callback]:
        job = a_job("a" * 14)
        callbacks.tell(job, "input.transferred", notification)
        callbacks.tell(job, "output.completed", notification, key="hls")
        callbacks.tell(job, "job.completed", notification)
        faults.clear()
        callbacks.tell(a_job(END), "job.completed", notification)
        return webhook.received()

    yield tell
    callbacks.stop()


def a_job(job_id: str) -> Job:
    output = OutputState(
        key="hls", kind="httpstream", format_text="httpstream", stage="done", urls=("http://b/m.m3u8",)
    )
    return Job(id=job_id, created_at=datetime(2026, 2, 16, tzinfo=UTC), outputs=(output,))


def events(callbacks: list[Callback]) -> list[object]:
    return [callback.payload["event"] for callback in callbacks]


Told = Callable[[Notification], list[Callback]]


def test_all_events_are_told_in_order(told: Told) -> None:
    assert events(told(EVERYTHING)) == ["input.transferred", "output.completed", "job.completed"]


def test_without_events_only_the_end_is_told(told: Told) -> None:
    assert events(told(Notification(url=URL, wants_events=False, wants_metadata=False))) == ["job.completed"]


def test_drop_sends_nothing(told: Told, faults: Faults) -> None:
    faults.set({"drop": True})
    assert told(EVERYTHING) == []


def test_duplicate_sends_everything_twice(told: Told, faults: Faults) -> None:
    faults.set({"duplicate": True})
    assert sorted(map(str, events(told(EVERYTHING)))) == sorted(
        ["input.transferred", "output.completed", "job.completed"] * 2
    )


def test_reorder_sends_everything_in_another_order(told: Told, faults: Faults) -> None:
    faults.set({"reorder": True})
    received = events(told(EVERYTHING))
    assert sorted(map(str, received)) == ["input.transferred", "job.completed", "output.completed"]
    assert received != ["input.transferred", "output.completed", "job.completed"]


def test_forge_adds_callbacks_that_an_attacker_could_send(told: Told, faults: Faults) -> None:
    faults.set({"forge": True, "drop": True})
    received = told(EVERYTHING)
    assert len(received) == 3
    for callback in received:
        query = parse_qs(urlsplit(callback.url).query)
        assert query == {"video": ["v1"], "attempt": ["2"], "sig": ["1abc"]}
        assert callback.payload["event"] == "job.completed"
        assert callback.payload["job_id"] != "a" * 14


@pytest.mark.parametrize(
    ("status", "counted"),
    [
        pytest.param(204, "delivered", id="2xx"),
        pytest.param(302, "refused", id="a-redirect-is-not-followed"),
        pytest.param(500, "refused", id="5xx"),
        pytest.param(0, "unreachable", id="no-answer"),
    ],
)
def test_an_answer_is_counted_and_nothing_is_sent_again(webhook: Webhook, status: int, counted: str) -> None:
    callbacks = Callbacks(Faults(), send=webhook.send, senders=1)
    webhook.status = status
    callbacks.start()
    callbacks.tell(a_job("b" * 14), "job.completed", EVERYTHING)
    callbacks.tell(a_job(END), "job.completed", EVERYTHING)
    assert len(webhook.received()) == 1
    assert callbacks.counts()[counted] >= 1
    callbacks.stop()
