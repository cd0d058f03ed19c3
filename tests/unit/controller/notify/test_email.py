"""Emails that cannot be composed are settled, since sending them again would fail too; certificates are read once."""

import smtplib
import ssl
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


@pytest.mark.parametrize(("scheme", "times"), [("smtp", 0), ("smtps", 1), ("smtp+starttls", 1)])
def test_trusted_certificates_are_read_once_for_all_mails(
    scheme: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[ssl.SSLContext] = []

    def create() -> ssl.SSLContext:
        read.append(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        return read[-1]

    class Connection:
        """A server that takes everything."""

        def __init__(self, *_: Any, context: ssl.SSLContext | None = None, **__: Any) -> None:
            self.contexts = [context]

        def starttls(self, *, context: ssl.SSLContext | None) -> None:
            self.contexts.append(context)

        def send_message(self, _message: Any) -> None:
            assert [each for each in self.contexts if each is not None] == read

        def quit(self) -> None:
            raise smtplib.SMTPServerDisconnected

        def close(self) -> None:
            pass

    monkeypatch.setattr(ssl, "create_default_context", create)
    monkeypatch.setattr(email, "_PlainConnection", Connection)
    monkeypatch.setattr(email, "_TlsConnection", Connection)
    sender = MailSender(SmtpServer(scheme, "127.0.0.1", 1, "", ""), sender="videos@example.net", playback_base=BASE)
    for _ in range(3):
        response = sender.send(a_notification(email="ann@example.com"))
        assert response.disposition is Disposition.ACCEPTED
    assert len(read) == times
