"""One delivery: take it, send it, put on record what became of it.

Killed after sending and before the record, it is taken again when its lease ends and sent with the same id: at least
once, never not at all. Which queues are sent from at the same time is decided in dispatcher.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from controller.notify.backoff import Backoff
from controller.notify.outcome import DeliveryResponse, outcome_of
from domain.notifications import MAIL, WEBHOOK, DeliveryResult, DeliveryState, Endpoint, LeasedDelivery, Notification

log = structlog.get_logger(__name__)


class LeasedOutbox(Protocol):
    """What is due. Every method raises UnavailableError."""

    def take(self, queue_name: str, *, now: datetime, leased_until: datetime) -> LeasedDelivery | None:
        """Lease the delivery of a queue that has been due the longest."""
        ...

    def record_result(self, taken: LeasedDelivery, outcome: DeliveryResult, *, now: datetime) -> bool:
        """Record the result. Return False when another sender has leased the delivery since."""
        ...


class WebhookChannel(Protocol):
    """The way to endpoints."""

    def send(self, told: Notification, endpoint: Endpoint) -> DeliveryResponse:
        """Send once and return what came back."""
        ...


class MailChannel(Protocol):
    """The way to owners."""

    def send(self, told: Notification) -> DeliveryResponse:
        """Send once and return what came back."""
        ...


@dataclass(frozen=True)
class Channels:
    """Everything a delivery uses. ``mail``: None where no SMTP server is configured.

    ``on_attempt`` records metrics for each attempt: its channel, and the delivery's state afterwards.
    """

    outbox: LeasedOutbox
    webhooks: WebhookChannel
    mail: MailChannel | None
    on_attempt: Callable[[str, DeliveryState], None] = lambda _channel, _state: None


def deliver_one(queue_name: str, channels: Channels, schedule: Backoff, clock: Callable[[], datetime]) -> bool:
    """Make the delivery of a queue that has been due the longest; False when none is. Raises UnavailableError."""
    now = clock()
    taken = channels.outbox.take(queue_name, now=now, leased_until=now + schedule.lease)
    if taken is None:
        return False
    answer = _sent(taken, channels)
    now = clock()
    outcome = outcome_of(answer, taken, schedule, now)
    is_ours = channels.outbox.record_result(taken, outcome, now=now)
    if is_ours:
        channels.on_attempt(MAIL if taken.endpoint is None else WEBHOOK, outcome.state)
    told = taken.notification
    log.info(
        f"delivery_{outcome.state}" if is_ours else "delivery_overtaken",
        notification=str(told.notification_id),
        kind=told.kind,
        video_id=told.video_id,
        queue_name=queue_name,
        attempt=taken.attempt,
        status=answer.status,
        endpoint_disabled=outcome.is_gone,
    )
    return True


def _sent(taken: LeasedDelivery, channels: Channels) -> DeliveryResponse:
    if taken.endpoint is not None:
        return channels.webhooks.send(taken.notification, taken.endpoint)
    assert channels.mail is not None  # noqa: S101  without it nothing is leased from its queue
    return channels.mail.send(taken.notification)
