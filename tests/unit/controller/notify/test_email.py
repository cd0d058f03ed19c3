"""An email that cannot be composed is settled: sending it again would fail in the same way."""

from typing import Any

import pytest

from controller.notify import email
from controller.notify.email import MailSender, SmtpServer
from controller.notify.outcome import Disposition
from tests.support.builders.notifications import BASE, a_notification


@pytest.mark.parametrize(
    "error",
    [UnicodeEncodeError("ascii", "é", 0, 1, "no"), ValueError("a header"), IndexError("a bug of the library")],
    ids=lambda error: type(error).__name__,
)
def test_an_email_that_cannot_be_composed_is_never_retried(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(email, "build_email", build)
    sender = MailSender(SmtpServer("smtp", "127.0.0.1", 1, "", ""), sender="videos@example.net", playback_base=BASE)
    response = sender.send(a_notification(email="ann@example.com"))

    assert response.disposition is Disposition.REJECTED
    assert response.text == f"not sent: building the mail failed: {type(error).__name__}"
