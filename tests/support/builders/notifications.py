"""Notifications for tests of what is sent."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.failures import FailureCode
from domain.notifications import Notification, NotificationKind, NotifiedFailure

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BASE = "https://cdn.example.com"
FAILURE = NotifiedFailure(FailureCode.NOT_A_VIDEO, "the file is a text")


def a_notification(kind: NotificationKind = NotificationKind.READY, **changes: Any) -> Notification:
    """Return a valid notification of this kind."""
    defaults: dict[str, Any] = {
        "owner": "ann",
        "title": "Cats",
        "metadata": {"album": "7"},
        "is_playable": kind is NotificationKind.READY,
        "failure": FAILURE if kind is NotificationKind.ERRORED else None,
        **changes,
    }
    video_id = "mfrggzdfmztwq2lknnwg23tpoa"
    return Notification(UUID(int=7), kind, video_id, edition=1, created_at=NOON, sequence=9, **defaults)
