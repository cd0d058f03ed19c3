"""Sends one mail over SMTP."""

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import structlog

from controller.notify.email_message import build_email
from controller.notify.outcome import DeliveryResponse, Disposition, one_line
from domain.notifications import Notification
from runtime.deadline import watched, within

log = structlog.get_logger(__name__)

SMTP_URL_PATTERN = r"^(smtp|smtps|smtp\+starttls)://([^/?#\s@]+@)?[^/?#\s@]+/?$"
_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
# Each wait for bytes, and all of it together: less than the lease of a delivery.
_TIMEOUT_SECONDS = 15.0
_LONGEST_SECONDS = 30.0
_ACCEPTED = 250
_PERMANENT = range(500, 600)


@dataclass(frozen=True)
class SmtpServer:
    """An SMTP server. A password is sent only over TLS."""

    scheme: str
    host: str
    port: int
    user: str
    password: str


def smtp_server_of(url: str) -> SmtpServer:
    """Parse an SMTP URL. Raises ValueError."""
    parts = urlsplit(url)
    if parts.username and parts.scheme == "smtp":
        raise ValueError("a password needs smtps:// or smtp+starttls://")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return SmtpServer(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme], user, password)


class MailSender:
    """Sends mail to owners."""

    def __init__(
        self, server: SmtpServer, *, sender: str, playback_base: str, longest_seconds: float = _LONGEST_SECONDS
    ) -> None:
        """``longest_seconds``: the limit of one exchange."""
        self._server = server
        # Reading the trusted certificates takes longer than the exchange itself, so once for all mails.
        self._tls = None if server.scheme == "smtp" else ssl.create_default_context()
        self._sender = sender
        self._playback_base = playback_base
        self._longest_seconds = longest_seconds

    def send(self, notification: Notification) -> DeliveryResponse:
        """Send once and return the response."""
        try:
            message = build_email(notification, sender=self._sender, playback_base=self._playback_base)
            message.as_bytes()
        except Exception as error:
            # The email library fails on hostile text in many ways, always the same for one text: retrying cannot help.
            log.exception("email_not_built", video_id=notification.video_id)
            return DeliveryResponse(
                Disposition.REJECTED, None, f"not sent: building the mail failed: {type(error).__name__}"
            )
        try:
            self._transmit(message)
        except smtplib.SMTPRecipientsRefused as error:
            (status, text) = next(iter(error.recipients.values()))
            return _refused(status, text)
        except smtplib.SMTPDataError as error:
            return _refused(error.smtp_code, error.smtp_error)
        except smtplib.SMTPResponseException as error:
            # About our account, not this mail: every mail would fail until an administrator corrects it.
            return DeliveryResponse(Disposition.RETRY, error.smtp_code, one_line(error.smtp_error))
        except (smtplib.SMTPException, OSError) as error:
            return DeliveryResponse(Disposition.RETRY, None, f"no answer: {type(error).__name__}")
        return DeliveryResponse(Disposition.ACCEPTED, _ACCEPTED, "")

    def _transmit(self, message: EmailMessage) -> None:
        with within(self._longest_seconds) as deadline:
            connection = self._connect()
            try:
                if self._server.scheme == "smtp+starttls":
                    connection.starttls(context=self._tls)
                if self._server.user:
                    connection.login(self._server.user, self._server.password)
                connection.send_message(message)
                if deadline.is_over:
                    # A line that was cut off looks like a whole one.
                    raise TimeoutError
            finally:
                # The message was accepted or refused by now; how the connection ends does not change that.
                with suppress(smtplib.SMTPException, OSError):
                    connection.quit()
                connection.close()

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        # By default smtplib asks DNS for our name, which may take longer than everything else.
        own_name = self._sender.rpartition("@")[2]
        if server.scheme == "smtps":
            return _TlsConnection(server.host, server.port, own_name, timeout=_TIMEOUT_SECONDS, context=self._tls)
        return _PlainConnection(server.host, server.port, own_name, timeout=_TIMEOUT_SECONDS)


class _PlainConnection(smtplib.SMTP):
    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return watched(super()._get_socket(host, port, timeout))  # type: ignore[misc]


class _TlsConnection(smtplib.SMTP_SSL, _PlainConnection):
    """A connection over TLS: smtplib connects by the method above first, and then starts TLS."""


def _refused(status: int, text: bytes | str) -> DeliveryResponse:
    return DeliveryResponse(Disposition.REJECTED if status in _PERMANENT else Disposition.RETRY, status, one_line(text))
