"""Receivers do not wait for each other."""

import threading
from datetime import datetime
from uuid import uuid4

import pytest

from controller.notify.backoff import Backoff
from controller.notify.deliver import Channels
from controller.notify.dispatcher import Dispatcher
from controller.notify.outcome import DeliveryResponse
from controller.notify.webhook import WebhookSender
from database.deliveries import DeliverySelection
from domain.errors import UnavailableError
from domain.notifications import VIDEO_NOTIFICATION_KINDS, DeliveryState, Endpoint, Notification
from tests.support.builders.notifications import a_notification
from tests.support.eventually import eventually
from tests.support.fakes.channels import ACCEPTED, FakeWebhooks
from tests.support.fakes.outbox import FakeOutbox
from tests.support.world.clock import FakeClock

SECRET = "whsec_" + "A" * 32


class SlowWebhooks(WebhookSender):
    """Holds every delivery to one URL until ``free`` is set, and counts those that wait."""

    def __init__(self, slow_url: str) -> None:
        self.free = threading.Event()
        self.waiting = 0
        self.most_waiting = 0
        self.done: list[str] = []
        self._slow_url = slow_url
        self._lock = threading.Lock()

    def send(self, _notification: Notification, endpoint: Endpoint) -> DeliveryResponse:
        if endpoint.url == self._slow_url:
            with self._lock:
                self.waiting += 1
                self.most_waiting = max(self.most_waiting, self.waiting)
            assert self.free.wait(30)
            with self._lock:
                self.waiting -= 1
        with self._lock:
            self.done.append(endpoint.url)
        return ACCEPTED


def an_outbox(clock: FakeClock, *urls: str, notified: int) -> FakeOutbox:
    outbox = FakeOutbox(clock.now)
    for url in urls:
        outbox.create(url=url, description="", kinds=VIDEO_NOTIFICATION_KINDS, secret=SECRET)
    for _ in range(notified):
        one = a_notification()
        outbox.tell(Notification(**{**vars(one), "notification_id": uuid4()}))
    return outbox


def test_a_slow_receiver_delays_no_other_and_gets_one_delivery_at_a_time() -> None:
    slow, quick, clock = "https://slow.example.com", "https://quick.example.com", FakeClock()
    outbox, webhooks = an_outbox(clock, slow, quick, notified=5), SlowWebhooks(slow)
    dispatcher = Dispatcher(Channels(outbox, webhooks, None), Backoff(), clock=clock.now)
    dispatcher.send_due()
    eventually(lambda: webhooks.done.count(quick) == 5 and webhooks.waiting == 1)
    dispatcher.send_due()
    assert (webhooks.done.count(slow), webhooks.most_waiting) == (0, 1)

    webhooks.free.set()
    eventually(lambda: webhooks.done.count(slow) == 5)
    assert webhooks.most_waiting == 1


class StumblingOutbox(FakeOutbox):
    """Fails the first time."""

    stumbles = 1

    def dispatch(self, *, with_mail: bool, now: datetime, at_most: int) -> int:
        if self.stumbles:
            self.stumbles -= 1
            raise UnavailableError("asking Postgres: OperationalError")
        return super().dispatch(with_mail=with_mail, now=now, at_most=at_most)


def test_a_failure_of_postgres_only_delays_deliveries() -> None:
    clock, stop = FakeClock(), threading.Event()
    outbox, webhooks = StumblingOutbox(clock.now), FakeWebhooks()
    outbox.create(url="https://a.example.com", description="", kinds=VIDEO_NOTIFICATION_KINDS, secret=SECRET)
    outbox.tell(a_notification())
    dispatcher = Dispatcher(Channels(outbox, webhooks, None), Backoff(), clock=clock.now)
    thread = threading.Thread(target=dispatcher.send_until, args=(stop,), kwargs={"every_seconds": 0.01})
    thread.start()
    try:
        eventually(lambda: webhooks.received)
        eventually(lambda: outbox.page(DeliverySelection(state=DeliveryState.DELIVERED), after=None, at_most=9).rows)
    finally:
        stop.set()
        thread.join(10)
    assert len(webhooks.received) == 1


def test_a_channel_without_a_free_thread_gets_one_in_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    outbox, webhooks = an_outbox(clock, "https://one.example.com", notified=1), SlowWebhooks("")
    dispatcher = Dispatcher(Channels(outbox, webhooks, None), Backoff(), clock=clock.now)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            dispatcher.send_due()
    dispatcher.send_due()
    eventually(lambda: webhooks.done)
