"""Makes one delivery: leases it, sends it, records the result.

If the process dies between sending and recording, the delivery is made again with the same id when its lease ends: at
least once. dispatcher.py decides which queues send at the same time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from controller.notify.backoff import Backoff
from controller.notify.outcome import DeliveryResponse, Disposition, result_of
from domain.notifications import MAIL, WEBHOOK, DeliveryResult, DeliveryState, Endpoint, LeasedDelivery, Notification

log = structlog.get_logger(__name__)


class DeliveryOutbox(Protocol):
    """The outbox in Postgres. Every method raises UnavailableError."""

    def dispatch(self, *, with_mail: bool, now: datetime, at_most: int) -> int:
        """Create the deliveries of the oldest undispatched notifications; return how many notifications."""

    def due_queues(self, *, with_mail: bool, now: datetime) -> Sequence[str]:
        """Return the queues in which a delivery is due."""

    def take(self, queue_name: str, *, now: datetime, leased_until: datetime) -> LeasedDelivery | None:
        """Lease the delivery of a queue that has been due the longest."""

    def record_result(self, delivery: LeasedDelivery, result: DeliveryResult, *, now: datetime) -> bool:
        """Record the result; return False if the delivery has been leased again since."""


class WebhookChannel(Protocol):
    """Sends webhooks to endpoints."""

    def send(self, notification: Notification, endpoint: Endpoint) -> DeliveryResponse:
        """Send once and return the response."""


class MailChannel(Protocol):
    """Sends mail to owners."""

    def send(self, notification: Notification) -> DeliveryResponse:
        """Send once and return the response."""


@dataclass(frozen=True)
class Channels:
    """The dependencies of a delivery. ``mail``: None if no SMTP server is configured.

    ``on_attempt`` receives the channel of each attempt and the delivery's state afterwards, for metrics.
    """

    outbox: DeliveryOutbox
    webhooks: WebhookChannel
    mail: MailChannel | None
    on_attempt: Callable[[str, DeliveryState], None] = lambda _channel, _state: None


def deliver_one(queue_name: str, channels: Channels, backoff: Backoff, clock: Callable[[], datetime]) -> bool:
    """Make the delivery of a queue that has been due the longest; False if none is due. Raises UnavailableError."""
    now = clock()
    delivery = channels.outbox.take(queue_name, now=now, leased_until=now + backoff.lease)
    if delivery is None:
        return False
    response = _send(delivery, channels)
    now = clock()
    result = result_of(response, delivery, backoff, now)
    is_ours = channels.outbox.record_result(delivery, result, now=now)
    if is_ours:
        channels.on_attempt(MAIL if delivery.endpoint is None else WEBHOOK, result.state)
    notification = delivery.notification
    log.info(
        f"delivery_{result.state}" if is_ours else "delivery_overtaken",
        notification=str(notification.notification_id),
        kind=notification.kind,
        video_id=notification.video_id,
        queue_name=queue_name,
        attempt=delivery.attempt,
        status=response.status,
        endpoint_disabled=result.is_gone,
    )
    return True


def _send(delivery: LeasedDelivery, channels: Channels) -> DeliveryResponse:
    if delivery.endpoint is not None:
        return channels.webhooks.send(delivery.notification, delivery.endpoint)
    if channels.mail is None:
        return DeliveryResponse(Disposition.RETRY, None, "not sent: no mail server is configured")
    return channels.mail.send(delivery.notification)
