"""Receivers in memory: what came to whom, and what they answer."""

from collections.abc import Sequence

from controller.notify.outcome import Answer, Fate
from domain.notifications import Endpoint, Notification

ACCEPTED = Answer(Fate.ACCEPTED, 204, "")


class FakeWebhooks:
    """Endpoints that answer as they are told, and afterwards accept."""

    def __init__(self, *answers: Answer) -> None:
        self.received: list[tuple[str, Notification]] = []
        self._answers = list(answers)

    def send(self, told: Notification, endpoint: Endpoint) -> Answer:
        self.received.append((endpoint.url, told))
        return self._answers.pop(0) if self._answers else ACCEPTED


class FakeMail:
    """A mail server that takes everything."""

    def __init__(self, answers: Sequence[Answer] = ()) -> None:
        self.received: list[Notification] = []
        self._answers = list(answers)

    def send(self, told: Notification) -> Answer:
        self.received.append(told)
        return self._answers.pop(0) if self._answers else ACCEPTED
