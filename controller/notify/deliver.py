"""One delivery: take it, send it, put on record what became of it.

Killed after sending and before the record, it is taken again when its lease ends and sent with the same id: at least
once, never not at all. Which lanes are worked at the same time is in dispatcher.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from controller.notify.backoff import Schedule
from controller.notify.outcome import Answer, outcome_of
from domain.notifications import DeliveryResult, Endpoint, LeasedDelivery, Notification

log = structlog.get_logger(__name__)


class Outbox(Protocol):
    """What is due. Every method raises UnavailableError."""

    def take(self, lane: str, *, now: datetime, leased_until: datetime) -> LeasedDelivery | None:
        """Take what has been due the longest in a lane."""
        ...

    def settle(self, taken: LeasedDelivery, outcome: DeliveryResult, *, now: datetime) -> bool:
        """Put on record what became of it; False when somebody else has taken it since."""
        ...


class Webhooks(Protocol):
    """The way to endpoints."""

    def send(self, told: Notification, endpoint: Endpoint) -> Answer:
        """Send once and return what came back."""
        ...


class Mail(Protocol):
    """The way to owners."""

    def send(self, told: Notification) -> Answer:
        """Send once and return what came back."""
        ...


@dataclass(frozen=True)
class Ways:
    """Everything a delivery touches. ``mail``: None where no mail leaves."""

    outbox: Outbox
    webhooks: Webhooks
    mail: Mail | None


def deliver_one(lane: str, ways: Ways, schedule: Schedule, clock: Callable[[], datetime]) -> bool:
    """Make the delivery that has been due the longest in a lane; False when none is. Raises UnavailableError."""
    now = clock()
    taken = ways.outbox.take(lane, now=now, leased_until=now + schedule.lease)
    if taken is None:
        return False
    answer = _sent(taken, ways)
    now = clock()
    outcome = outcome_of(answer, taken, schedule, now)
    is_ours = ways.outbox.settle(taken, outcome, now=now)
    told = taken.notification
    log.info(
        f"delivery_{outcome.state}" if is_ours else "delivery_overtaken",
        notification=str(told.notification_id),
        kind=told.kind,
        video=told.video_id,
        lane=lane,
        attempt=taken.attempt,
        status=answer.status,
        endpoint_disabled=outcome.is_gone,
    )
    return True


def _sent(taken: LeasedDelivery, ways: Ways) -> Answer:
    if taken.endpoint is not None:
        return ways.webhooks.send(taken.notification, taken.endpoint)
    assert ways.mail is not None  # noqa: S101  nobody takes from its lane without it
    return ways.mail.send(taken.notification)
