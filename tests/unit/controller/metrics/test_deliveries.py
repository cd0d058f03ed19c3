"""Each attempt at a delivery is counted once, by the way it went out and by what became of it."""

from datetime import timedelta

import pytest

from controller.metrics.deliveries import InstrumentedOutbox
from domain.notifications import MAIL, VIDEO_NOTIFICATION_KINDS, DeliveryResult, DeliveryState
from tests.support.fakes.outbox import FakeOutbox
from tests.support.world.clock import FakeClock
from tests.unit.controller.notify.notification import a_notification

DONE = DeliveryResult(DeliveryState.DELIVERED, 204, "")
LATER = timedelta(minutes=1)


class Post:
    """A notification for one endpoint and for its owner, in an outbox that counts."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []
        self.clock = FakeClock()
        rows = FakeOutbox(self.clock.now)
        self.endpoint = rows.create(
            url="https://a.example.com", description="", kinds=VIDEO_NOTIFICATION_KINDS, secret="whsec_" + "A" * 32
        )
        rows.tell(a_notification(email="ann@example.com"))
        self.outbox = InstrumentedOutbox(rows, lambda channel, result: self.counted.append((channel, result)))
        self.outbox.dispatch(with_mail=True, now=self.clock.now(), at_most=9)

    def dispatcher(self) -> dict[str, str]:
        """Return the lane of each way."""
        due = self.outbox.due_queues(with_mail=True, now=self.clock.now())
        return {MAIL if lane == MAIL else "webhook": lane for lane in due}


@pytest.mark.parametrize("channel", ["webhook", "mail"])
@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        pytest.param(DONE, "delivered", id="delivered"),
        pytest.param(DeliveryResult(DeliveryState.FAILED, 400, ""), "given_up", id="given-up"),
        pytest.param(DeliveryResult(DeliveryState.PENDING, 503, ""), "put_off", id="put-off"),
    ],
)
def test_an_attempt_is_counted_by_its_outcome(channel: str, outcome: DeliveryResult, result: str) -> None:
    post = Post()
    now = post.clock.now()
    taken = post.outbox.take(post.dispatcher()[channel], now=now, leased_until=now + LATER)
    assert taken is not None
    assert post.outbox.record_result(taken, outcome, now=now)
    assert post.counted == [(channel, result)]


def test_what_somebody_else_has_taken_since_is_theirs_to_count() -> None:
    post = Post()
    lane = post.dispatcher()["mail"]
    first = post.outbox.take(lane, now=post.clock.now(), leased_until=post.clock.now() + LATER)
    post.clock.advance(2 * LATER.total_seconds())
    second = post.outbox.take(lane, now=post.clock.now(), leased_until=post.clock.now() + LATER)
    assert first is not None
    assert second is not None
    assert not post.outbox.record_result(first, DONE, now=post.clock.now())
    assert post.counted == []
