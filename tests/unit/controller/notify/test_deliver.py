"""Each effect of a delivery, killed before and after: every receiver gets it at least once, always under one id."""

import ast
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from controller.failpoints import deliveries_with_failpoints
from controller.notify import deliver
from controller.notify.backoff import ATTEMPTS_MAX, Backoff
from controller.notify.deliver import Channels, deliver_one
from controller.notify.outcome import DeliveryResponse, Disposition
from database.deliveries import DeliverySelection
from domain.errors import UnavailableError
from domain.notifications import CHANNELS, MAIL, VIDEO_NOTIFICATION_KINDS, DeliveryState, Endpoint, Notification
from tests.support.builders.notifications import a_notification
from tests.support.fakes.channels import FakeMail, FakeWebhooks
from tests.support.fakes.outbox import FakeOutbox
from tests.support.world.clock import FakeClock
from tests.support.world.failpoints import Failpoints
from tests.support.world.kill_switch import KilledError

BUSY = DeliveryResponse(Disposition.RETRY, 500, "")
SECRET = "whsec_" + "A" * 32


@dataclass
class Post:
    """An outbox with its senders. The process may be killed at a point, and another one continues."""

    webhooks: FakeWebhooks = field(default_factory=FakeWebhooks)
    mail: FakeMail = field(default_factory=FakeMail)

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.outbox = FakeOutbox(self.clock.now)
        self.points = Failpoints()

    def tell(self, *urls: str, email: str | None = None) -> Notification:
        """Record what is to be sent to two kinds of receivers."""
        for url in urls:
            self.outbox.create(url=url, description="", kinds=VIDEO_NOTIFICATION_KINDS, secret=SECRET)
        notification = a_notification(email=email)
        self.outbox.tell(notification)
        return notification

    def work(self) -> None:
        """Deliver until nothing is left to do, whatever that takes; a killed process is followed by another one."""
        channels = Channels(self.outbox, self.webhooks, self.mail)
        watched = deliveries_with_failpoints(self.points.reached)
        for _ in range(3 * ATTEMPTS_MAX):
            try:
                self.outbox.dispatch(with_mail=True, now=self.clock.now(), at_most=9)
                for queue_name in self.outbox.due_queues(with_mail=True, now=self.clock.now()):
                    while deliver_one(queue_name, watched(channels), Backoff(), self.clock.now):
                        pass
            except KilledError:
                continue
            self.clock.advance(timedelta(days=1).total_seconds())

    def attempt_once(self) -> list[tuple[str, DeliveryState]]:
        """Make the only delivery and return what was counted."""
        counted: list[tuple[str, DeliveryState]] = []
        self.outbox.dispatch(with_mail=True, now=self.clock.now(), at_most=9)
        (queue_name,) = self.outbox.due_queues(with_mail=True, now=self.clock.now())
        channels = Channels(self.outbox, self.webhooks, self.mail, on_attempt=lambda *attempt: counted.append(attempt))
        assert deliver_one(queue_name, channels, Backoff(), self.clock.now)
        return counted

    def states(self) -> list[DeliveryState]:
        """Return what became of all deliveries."""
        return [row.state for row in self.outbox.page(DeliverySelection(), after=None, at_most=99).rows]


def test_every_receiver_gets_one_delivery_when_nothing_fails() -> None:
    post = Post()
    notification = post.tell("https://a.example.com", "https://b.example.com", email="ann@example.com")
    post.work()

    assert post.webhooks.received == [("https://a.example.com", notification), ("https://b.example.com", notification)]
    assert post.mail.received == [notification]
    assert post.states() == [DeliveryState.DELIVERED] * 3


POINTS = [
    f"Deliver.{effect}.1:{when}"
    for effect in ("outbox.take", "webhooks.send", "mail.send", "outbox.record_result")
    for when in ("before", "after")
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_effect_every_receiver_gets_the_same_id(point: str) -> None:
    post = Post()
    notification = post.tell("https://a.example.com", email="ann@example.com")
    post.points.deadly = point
    post.work()

    assert post.points.deadly is None, "it was killed"
    received = [one for _, one in post.webhooks.received] + post.mail.received
    assert {one.notification_id for one in received} == {notification.notification_id}
    assert 2 <= len(received) <= 3, "at most the killed one came twice"
    assert post.states() == [DeliveryState.DELIVERED] * 2


def test_killed_between_sending_and_recording_it_is_sent_again() -> None:
    post = Post()
    notification = post.tell("https://a.example.com")
    post.points.deadly = "Deliver.webhooks.send.1:after"
    post.work()

    assert post.webhooks.received == [("https://a.example.com", notification)] * 2


def test_every_effect_in_the_source_was_killed() -> None:
    tree = ast.parse(Path(deliver.__file__).read_text())
    effects = {
        f"{node.func.value.attr}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Attribute)
        and ast.unparse(node.func.value).startswith("channels.")
    }
    post = Post()
    post.tell("https://a.example.com", email="ann@example.com")
    post.work()

    assert {f"Deliver.{effect}.1:{when}" for effect in effects for when in ("before", "after")} == set(POINTS)
    assert set(POINTS) <= set(post.points.points)


def test_a_receiver_that_never_accepts_is_abandoned_and_the_others_are_served() -> None:
    post = Post(FakeWebhooks(*[BUSY] * ATTEMPTS_MAX))
    post.tell("https://a.example.com", email="ann@example.com")
    post.work()

    assert len(post.webhooks.received) == ATTEMPTS_MAX
    assert sorted(post.states()) == [DeliveryState.DELIVERED, DeliveryState.FAILED]


def test_while_postgres_is_away_nothing_is_sent() -> None:
    post = Post()
    post.tell("https://a.example.com")
    post.outbox.dispatch(with_mail=True, now=post.clock.now(), at_most=9)
    (queue_name,) = post.outbox.due_queues(with_mail=True, now=post.clock.now())
    post.outbox.postgres.is_away = True

    with pytest.raises(UnavailableError):
        deliver_one(queue_name, Channels(post.outbox, post.webhooks, None), Backoff(), post.clock.now)
    assert post.webhooks.received == []


def test_mail_waits_while_no_server_is_configured() -> None:
    post = Post()
    post.tell(email="ann@example.com")
    post.outbox.dispatch(with_mail=True, now=post.clock.now(), at_most=9)

    assert post.outbox.due_queues(with_mail=False, now=post.clock.now()) == []
    assert post.outbox.due_queues(with_mail=True, now=post.clock.now()) == [MAIL]


@pytest.mark.parametrize(
    ("response", "state"),
    [
        pytest.param(DeliveryResponse(Disposition.ACCEPTED, 204, ""), DeliveryState.DELIVERED, id="delivered"),
        pytest.param(DeliveryResponse(Disposition.REJECTED, 550, ""), DeliveryState.FAILED, id="refused"),
        pytest.param(BUSY, DeliveryState.PENDING, id="deferred"),
    ],
)
@pytest.mark.parametrize("channel", CHANNELS)
def test_each_delivery_attempt_is_counted_by_channel_and_state(
    channel: str, response: DeliveryResponse, state: DeliveryState
) -> None:
    post = Post(FakeWebhooks(response), FakeMail([response]))
    if channel == MAIL:
        post.tell(email="ann@example.com")
    else:
        post.tell("https://a.example.com")
    assert post.attempt_once() == [(channel, state)]


def test_a_delivery_whose_lease_expired_is_counted_by_its_new_holder() -> None:
    class OutlivedLease(FakeWebhooks):
        def send(self, notification: Notification, endpoint: Endpoint) -> DeliveryResponse:
            now = post.clock.now() + Backoff().lease
            (queue_name,) = post.outbox.due_queues(with_mail=True, now=now)
            assert post.outbox.take(queue_name, now=now, leased_until=now + Backoff().lease) is not None
            return super().send(notification, endpoint)

    post = Post(OutlivedLease())
    post.tell("https://a.example.com")
    assert post.attempt_once() == []
