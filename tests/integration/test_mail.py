"""Emails sent to a real SMTP server."""

from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from controller.notify.email import MailSender, smtp_server_of
from controller.notify.outcome import Disposition
from devstack.ports import any_free_port
from tests.support.builders.notifications import BASE, a_notification

NOTIFICATION = a_notification(email="ann@example.com")


class Taking:
    """Stores mails, unless the test sets another reply."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.recipients: list[str] = []
        self.to_recipient = "250 OK"
        self.to_data = "250 OK"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.to_data.startswith("250"):
            self.mails.append(envelope.content)
            self.recipients += envelope.rcpt_tos
        return self.to_data


@pytest.fixture
def taking() -> Taking:
    return Taking()


@pytest.fixture
def mail(taking: Taking) -> Iterator[MailSender]:
    """The way to owners over a server that is there."""
    port = any_free_port()
    controller = Controller(taking, hostname="127.0.0.1", port=port)
    controller.start()
    yield MailSender(smtp_server_of(f"smtp://127.0.0.1:{port}"), sender="videos@example.net", playback_base=BASE)
    controller.stop()


def test_an_email_arrives_only_at_its_owner(mail: MailSender, taking: Taking) -> None:
    assert mail.send(NOTIFICATION).disposition is Disposition.ACCEPTED
    assert taking.recipients == ["ann@example.com"]
    (raw,) = taking.mails
    message = message_from_bytes(raw)
    assert message["Message-ID"] == f"<{NOTIFICATION.notification_id}@example.net>"
    assert message["Subject"] == 'Your video "Cats" is ready'
    assert f"{BASE}/processed/{NOTIFICATION.video_id}/playlist.m3u8" in raw.decode()


@pytest.mark.parametrize(
    ("to_recipient", "to_data", "disposition", "status"),
    [
        pytest.param("550 no such user", "250 OK", Disposition.REJECTED, 550, id="unknown-user"),
        pytest.param("450 try later", "250 OK", Disposition.RETRY, 450, id="greylisted"),
        pytest.param("250 OK", "554 looks like spam", Disposition.REJECTED, 554, id="mail-refused"),
        pytest.param("250 OK", "451 disk full", Disposition.RETRY, 451, id="disk-full"),
    ],
)
def test_the_servers_reply_code_decides_what_happens_next(
    mail: MailSender, taking: Taking, to_recipient: str, to_data: str, disposition: Disposition, status: int
) -> None:
    taking.to_recipient, taking.to_data = to_recipient, to_data
    answer = mail.send(NOTIFICATION)

    assert (answer.disposition, answer.status) == (disposition, status)
    assert taking.mails == []


def test_an_unavailable_server_is_tried_again() -> None:
    mail = MailSender(smtp_server_of("smtp://127.0.0.1:1"), sender="videos@example.net", playback_base=BASE)
    assert mail.send(NOTIFICATION).disposition is Disposition.RETRY


def test_no_password_is_sent_without_tls(mail: MailSender, taking: Taking) -> None:
    port = mail._server.port
    for url in (f"smtp+starttls://u:p@127.0.0.1:{port}", f"smtps://u:p@127.0.0.1:{port}"):
        answer = MailSender(smtp_server_of(url), sender="videos@example.net", playback_base=BASE).send(NOTIFICATION)
        assert answer.disposition is Disposition.RETRY
    with pytest.raises(ValueError, match="password"):
        smtp_server_of(f"smtp://u:p@127.0.0.1:{port}")
    assert taking.mails == []
