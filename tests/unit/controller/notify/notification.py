"""Notifications to tell of."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.failures import FailureCode
from domain.notifications import Kind, Notification, ToldFailure

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BASE = "https://cdn.example.com"
FAILURE = ToldFailure(FailureCode.NOT_A_VIDEO, "the file is a text")


def a_notification(kind: Kind = Kind.READY, **changes: Any) -> Notification:
    """Return one that is good unless told otherwise."""
    known: dict[str, Any] = {
        "owner": "ann",
        "title": "Cats",
        "metadata": {"album": "7"},
        "is_playable": kind is Kind.READY,
        "failure": FAILURE if kind is Kind.ERRORED else None,
        **changes,
    }
    video_id = "mfrggzdfmztwq2lknnwg23tpoa"
    return Notification(UUID(int=7), kind, video_id, edition=1, created_at=NOON, sequence=9, **known)
