"""Makes one delivery: leases it, sends it, records the result.

If the process dies between sending and recording, the delivery is made again with the same id when its lease ends: at
least once. dispatcher.py decides which queues send at the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from controller.notify.backoff import Backoff
from controller.notify.email import MailSender
from controller.notify.outcome import DeliveryResponse, Disposition, result_of
from controller.notify.webhook import WebhookSender
from database.outbox import Outbox
from domain.notifications import MAIL, WEBHOOK, DeliveryState, LeasedDelivery

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Channels:
    """The dependencies of a delivery. ``mail``: None if no SMTP server is configured.

    ``on_attempt`` receives the channel of each attempt and the delivery's state afterwards, for metrics.
    """

    outbox: Outbox
    webhooks: WebhookSender
    mail: MailSender | None
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
