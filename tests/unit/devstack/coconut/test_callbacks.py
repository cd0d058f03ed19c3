"""Which callbacks are sent, how often and in which order."""

import queue
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from devstack.coconut.callbacks import Callback, Callbacks
from devstack.coconut.faults import Faults
from devstack.coconut.job import JobRecord, OutputState
from devstack.coconut.request import NotificationTarget

EVERYTHING = NotificationTarget(url="http://h/hook?video=v1&attempt=2&sig=0abc", wants_events=True)
IN_ORDER = ["input.transferred", "output.completed", "job.completed"]
END = "end"


def a_job(job_id: str) -> JobRecord:
    output = OutputState("hls", "httpstream", "httpstream", stage="done", urls=("http://b/m.m3u8",))
    return JobRecord(id=job_id, created_at=datetime(2026, 2, 16, tzinfo=UTC), outputs=(output,))


class SerialReceiver:
    """Receives callbacks through one sender, so that they arrive in the order of sending."""

    def __init__(self, faults: Faults) -> None:
        self._arrivals: queue.SimpleQueue[Callback] = queue.SimpleQueue()
        self._faults = faults
        self.callbacks = Callbacks(faults, send=self._receive, senders=1)
        self.callbacks.start()

    def _receive(self, callback: Callback) -> None:
        self._arrivals.put(callback)
        if callback.job_id != END:
            raise requests.ConnectionError

    def received(self, notification: NotificationTarget = EVERYTHING) -> list[Callback]:
        """Notify of a whole job and return what arrives."""
        job = a_job("a" * 14)
        self.callbacks.notify(job, "input.transferred", notification)
        self.callbacks.notify(job, "output.completed", notification, key="hls")
        self.callbacks.notify(job, "job.completed", notification)
        self._faults.clear()
        self.callbacks.notify(a_job(END), "job.completed", notification)
        callbacks = []
        while (callback := self._arrivals.get(timeout=5)).job_id != END:
            callbacks.append(callback)
        return callbacks


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def webhook(faults: Faults) -> Iterator[SerialReceiver]:
    webhook = SerialReceiver(faults)
    yield webhook
    webhook.callbacks.stop()


def events(callbacks: list[Callback]) -> list[str]:
    return [str(callback.payload["event"]) for callback in callbacks]


def test_events_arrive_once_and_in_order_though_the_receiver_fails(webhook: SerialReceiver) -> None:
    assert events(webhook.received()) == IN_ORDER


def test_without_events_only_the_end_is_sent(webhook: SerialReceiver) -> None:
    assert events(webhook.received(NotificationTarget(url="http://h/", wants_events=False))) == ["job.completed"]


def test_drop_sends_nothing(webhook: SerialReceiver, faults: Faults) -> None:
    faults.set({"drop": True})
    assert webhook.received() == []


def test_duplicate_sends_everything_twice(webhook: SerialReceiver, faults: Faults) -> None:
    faults.set({"duplicate": True})
    assert events(webhook.received()) == [event for event in IN_ORDER for _ in range(2)]


def test_reorder_sends_everything_in_another_order(webhook: SerialReceiver, faults: Faults) -> None:
    faults.set({"reorder": True})
    arrived = events(webhook.received())
    assert sorted(arrived) == sorted(IN_ORDER)
    assert arrived != IN_ORDER


def test_forge_adds_callbacks_with_a_broken_signature_and_an_unknown_job(
    webhook: SerialReceiver, faults: Faults
) -> None:
    faults.set({"forge": True, "drop": True})
    arrived = webhook.received()
    assert events(arrived) == ["job.completed"] * 3
    for callback in arrived:
        query = parse_qs(urlsplit(callback.url).query)
        assert query == {"video": ["v1"], "attempt": ["2"], "sig": ["1abc"]}
        assert callback.payload["job_id"] != "a" * 14


def test_delayed_callbacks_keep_their_order(webhook: SerialReceiver, faults: Faults) -> None:
    faults.set({"delay_seconds": 0.02})
    webhook.callbacks.notify(a_job("late"), "job.completed", EVERYTHING)
    faults.clear()
    webhook.callbacks.notify(a_job("soon"), "job.completed", EVERYTHING)
    assert [webhook._arrivals.get(timeout=5).job_id for _ in range(2)] == ["soon", "late"]
