"""One endpoint with two secrets and one delivery under fixed ids, so that every call about them succeeds."""

from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import psycopg

_CLEAR: tuple[LiteralString, ...] = (
    "DELETE FROM webhook_endpoints",
    "DELETE FROM notifications WHERE kind = 'webhook.test'",
)
_ENDPOINT: LiteralString = """
INSERT INTO webhook_endpoints (endpoint_id, url, description, kinds)
VALUES (%s, 'https://hooks.example.com/', '', ARRAY['video.ready'])
"""
_SECRET: LiteralString = "INSERT INTO webhook_secrets (secret_id, endpoint_id, secret) VALUES (%s, %s, 'whsec_AAAA')"
_NOTIFICATION: LiteralString = """
INSERT INTO notifications (notification_id, video_id, edition, kind, owner, is_dispatched)
VALUES (%s, %s, 1, 'webhook.test', '', true)
"""
_DELIVERY: LiteralString = """
INSERT INTO deliveries (delivery_id, notification_id, endpoint_id, video_id, next_at) VALUES (%s, %s, %s, %s, now())
"""


@dataclass(frozen=True)
class WebhookIds:
    """Their id."""

    endpoint: str
    secret: str
    delivery: str


def tidy(connection: "psycopg.Connection[Any]", ids: WebhookIds) -> None:
    """Leave just these."""
    notification = str(uuid4())
    with connection.transaction():
        for statement in _CLEAR:
            connection.execute(statement)
        connection.execute(_ENDPOINT, [ids.endpoint])
        for secret_id in (ids.secret, str(uuid4())):
            connection.execute(_SECRET, [secret_id, ids.endpoint])
        connection.execute(_NOTIFICATION, [notification, ids.endpoint])
        connection.execute(_DELIVERY, [ids.delivery, notification, ids.endpoint, ids.endpoint])
