"""Receivers in memory: what each got, and how it responds."""

from collections.abc import Sequence

from controller.notify.email import MailSender
from controller.notify.outcome import DeliveryResponse, Disposition
from controller.notify.webhook import WebhookSender
from domain.notifications import Endpoint, Notification

ACCEPTED = DeliveryResponse(Disposition.ACCEPTED, 204, "")


class FakeWebhooks(WebhookSender):
    """Endpoints that answer as a test says, and afterwards accept."""

    def __init__(self, *answers: DeliveryResponse) -> None:
        self.received: list[tuple[str, Notification]] = []
        self._answers = list(answers)

    def send(self, notification: Notification, endpoint: Endpoint) -> DeliveryResponse:
        self.received.append((endpoint.url, notification))
        return self._answers.pop(0) if self._answers else ACCEPTED


class FakeMail(MailSender):
    """A mail server that takes everything."""

    def __init__(self, answers: Sequence[DeliveryResponse] = ()) -> None:
        self.received: list[Notification] = []
        self._answers = list(answers)

    def send(self, notification: Notification) -> DeliveryResponse:
        self.received.append(notification)
        return self._answers.pop(0) if self._answers else ACCEPTED
