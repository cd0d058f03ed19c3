"""Receives the service's webhooks: checks who sent a message and when, before anything in it is read.

Standard Webhooks 1.0.0; docs/notifications.md says what messages hold and how a receiver answers.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from videoupload.errors import SettingError, WebhookRefusedError

TOLERANCE = timedelta(minutes=5)
_KEY_PREFIX = "whsec_"
_SIGNATURE_PREFIX = "v1,"
_CLOUD_EVENT_PREFIX = "dev.uploads."
# Seconds since 1970 have ten digits; many more are not a time.
_TIMESTAMP_DIGITS_MAX = 12


@dataclass(frozen=True)
class WebhookMessage:
    """A message that the service signed. ``id`` is the same each time that the message is sent: drop repetitions."""

    id: str
    sent_at: datetime
    content: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """Return what happened, such as `video.ready`, in either format of messages."""
        return str(self.content.get("type", "")).removeprefix(_CLOUD_EVENT_PREFIX)

    @property
    def data(self) -> Mapping[str, Any]:
        """Return what the message says about the video; empty in a test."""
        data = self.content.get("data")
        return data if isinstance(data, dict) else {}


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secrets: str | Sequence[str],
    *,
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> WebhookMessage:
    """Return the message of a request. Raises WebhookRefusedError unless one of the secrets signed it just now.

    ``body``: the bytes as they came, because another spelling of the same JSON has another signature. ``secrets``: one,
    or all that are valid while a secret is replaced. Raises SettingError if a secret is none of an endpoint.

    >>> secret, sent = "whsec_" + "c2VjcmV0" * 4, datetime(2026, 6, 1, 12, tzinfo=UTC)
    >>> signature = "v1,nOYFxXm9u07EkxVPwt0nAFL+6Vk9ikuiFHPbzknnJLk="
    >>> headers = {"webhook-id": "1", "webhook-timestamp": "1780315200", "webhook-signature": signature}
    >>> verify_webhook(headers, b'{"type": "webhook.test", "data": {}}', secret, now=sent).kind
    'webhook.test'
    """
    keys = [_key(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not keys:
        raise SettingError("no secret to verify webhooks with")
    named = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = _header(named, "webhook-id"), _header(named, "webhook-timestamp")
    sent_at = _time(timestamp)
    if abs((now or datetime.now(UTC)) - sent_at) > tolerance:
        raise WebhookRefusedError(f"webhook-timestamp is more than {tolerance.total_seconds():.0f} s away")
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in keys]
    if not any(hmac.compare_digest(one, sent) for sent in _signatures(named) for one in expected):
        raise WebhookRefusedError("no secret of the endpoint made webhook-signature for this body")
    return WebhookMessage(message_id, sent_at, _content(body))


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        # Without the text, because it may be a secret that was mistyped.
        raise SettingError("a webhook secret is not the base64 that follows whsec_")
    return key


def _header(named: Mapping[str, str], name: str) -> str:
    value = named.get(name, "")
    if not value:
        raise WebhookRefusedError(f"the header {name} is missing")
    return value


def _time(timestamp: str) -> datetime:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS_MAX):
        raise WebhookRefusedError("webhook-timestamp is not a time in seconds")
    try:
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise WebhookRefusedError("webhook-timestamp is not a time in seconds") from None


def _signatures(named: Mapping[str, str]) -> list[bytes]:
    words = _header(named, "webhook-signature").split(" ")
    return [word.removeprefix(_SIGNATURE_PREFIX).encode() for word in words if word.startswith(_SIGNATURE_PREFIX)]


def _content(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise WebhookRefusedError("the body is signed, but is no JSON object")
    return content
