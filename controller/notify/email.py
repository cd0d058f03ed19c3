"""Sending one letter over SMTP."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import structlog

from controller.notify.email_message import build_email
from controller.notify.outcome import DeliveryResponse, Disposition, one_line
from domain.notifications import Notification

log = structlog.get_logger(__name__)

SMTP_URL_PATTERN = r"^(smtp|smtps|smtp\+starttls)://([^/?#\s@]+@)?[^/?#\s@]+/?$"
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_TIMEOUT_SECONDS = 15
_ACCEPTED = 250
_PERMANENT = range(500, 600)


@dataclass(frozen=True)
class SmtpServer:
    """Where letters are handed in. Without TLS no password leaves."""

    scheme: str
    host: str
    port: int
    user: str
    password: str


def smtp_server_of(url: str) -> SmtpServer:
    """Take an SMTP URL apart. Raises ValueError."""
    parts = urlsplit(url)
    if parts.username and parts.scheme == "smtp":
        raise ValueError("a password needs smtps:// or smtp+starttls://")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return SmtpServer(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme], user, password)


class MailSender:
    """The way to owners."""

    def __init__(self, server: SmtpServer, *, sender: str, playback_base: str) -> None:
        self._server = server
        self._sender = sender
        self._playback_base = playback_base

    def send(self, told: Notification) -> DeliveryResponse:
        """Hand in once and return what came back."""
        try:
            written = build_email(told, sender=self._sender, playback_base=self._playback_base)
            written.as_bytes()
        except Exception as error:
            # The email library fails in many ways on hostile text, each time in the same way: retrying cannot help.
            log.exception("email_not_built", video_id=told.video_id)
            return DeliveryResponse(Disposition.NEVER, None, f"the letter could not be written: {type(error).__name__}")
        try:
            self._hand_in(written)
        except smtplib.SMTPRecipientsRefused as error:
            (status, text) = next(iter(error.recipients.values()))
            return _refused(status, text)
        except smtplib.SMTPDataError as error:
            return _refused(error.smtp_code, error.smtp_error)
        except smtplib.SMTPResponseException as error:
            # About us, not about this letter: others would meet the same, and somebody has to put it right.
            return DeliveryResponse(Disposition.AGAIN, error.smtp_code, one_line(error.smtp_error))
        except (smtplib.SMTPException, OSError) as error:
            return DeliveryResponse(Disposition.AGAIN, None, f"no answer: {type(error).__name__}")
        return DeliveryResponse(Disposition.ACCEPTED, _ACCEPTED, "")

    def _hand_in(self, written: EmailMessage) -> None:
        server = self._connected()
        try:
            if self._server.scheme == "smtp+starttls":
                server.starttls(context=ssl.create_default_context())
            if self._server.user:
                server.login(self._server.user, self._server.password)
            server.send_message(written)
        finally:
            # It was taken, or was not: how the connection ends changes nothing about that.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()

    def _connected(self) -> smtplib.SMTP:
        known = self._server
        # Its own way to find a name asks DNS, which may take longer than all the rest.
        own_name = self._sender.rpartition("@")[2]
        if known.scheme == "smtps":
            return smtplib.SMTP_SSL(
                known.host, known.port, own_name, timeout=_TIMEOUT_SECONDS, context=ssl.create_default_context()
            )
        return smtplib.SMTP(known.host, known.port, own_name, timeout=_TIMEOUT_SECONDS)


def _refused(status: int, text: bytes | str) -> DeliveryResponse:
    return DeliveryResponse(Disposition.NEVER if status in _PERMANENT else Disposition.AGAIN, status, one_line(text))
