"""Signs webhooks by Standard Webhooks 1.0.0, with each secret, so that a secret can be replaced without a gap."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

PREFIX = "whsec_"


def signed_headers(message_id: str, body: bytes, *, secrets: Sequence[str], at: datetime) -> Mapping[str, str]:
    """Return the headers that prove who sent the body, and when. ``at``: the time of the attempt."""
    timestamp = str(int(at.timestamp()))
    content = b".".join([message_id.encode(), timestamp.encode(), body])
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(secret, content)}" for secret in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
