"""Sends one webhook to the loopback address, whichever name its URL has."""

from controller.notify.outcome import DeliveryResponse
from controller.notify.webhook import WebhookSender
from domain.notifications import Endpoint
from tests.support.builders.notifications import BASE, a_notification

_SECRET = "whsec_" + "A" * 32


def send_webhook(url: str, *, verify: str | bool = True, total_seconds: float = 30.0) -> DeliveryResponse:
    """Send a notification to an endpoint with this URL, and return the sender's verdict."""
    sender = WebhookSender(
        playback_base=BASE,
        allow_private=True,
        resolve=_resolve_to_loopback,
        verify=verify,
        total_seconds=total_seconds,
    )
    notification = a_notification()
    return sender.send(notification, Endpoint(notification.notification_id, url, (_SECRET,)))


def _resolve_to_loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]
