"""What owners and integrators are told: made in the transaction that made it true, once for each edition and kind.

A notification says what was true then: it does not change when the video does, and outlives it. Sending it is in
desired/outbox.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from psycopg.rows import DictRow

from crds.failures import FailureCode
from crds.videoupload import AT_REST
from desired.database import Connection
from desired.rows import VideoRow


class Kind(StrEnum):
    """What is told. Only a person asks for the last one."""

    READY = "video.ready"
    ERRORED = "video.errored"
    DELETED = "video.deleted"
    TEST = "webhook.test"


ToldKind = Literal[Kind.READY, Kind.ERRORED, Kind.DELETED]
TOLD_OF_VIDEOS: tuple[ToldKind, ...] = (Kind.READY, Kind.ERRORED, Kind.DELETED)

NOTIFICATION = """
    notifications.notification_id, notifications.kind, notifications.video_id, notifications.edition,
    notifications.owner, notifications.created_at, notifications.sequence, notifications.title,
    notifications.metadata, notifications.email, notifications.failure, notifications.is_playable"""

# Told once for each edition and kind, however often that edition ends that way.
_TELL = """
INSERT INTO notifications (
    video_id, edition, kind, owner, sequence, title, metadata, email, failure, is_playable)
SELECT video_id, observed_edition, 'video.' || phase, owner, observed_revision, title, metadata, owner_email,
       failure - 'provider_answer', is_playable AND NOT deleted
FROM videos WHERE video_id = %(video_id)s ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class ToldFailure:
    """Why an edition failed, without the provider's raw words."""

    code: FailureCode
    message: str


@dataclass(frozen=True)
class Notification:
    """Something to be told. ``sequence`` rises with the video; 0 where an earlier release wrote none.

    ``email``: the owner's, if the token told one. ``is_playable``: whether some edition could be played then.
    """

    notification_id: UUID
    kind: Kind
    video_id: str
    edition: int
    owner: str
    created_at: datetime
    sequence: int
    title: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    email: str | None = None
    failure: ToldFailure | None = None
    is_playable: bool = False


def tell_owner(connection: Connection, row: VideoRow) -> None:
    """Put on record that the owner is to be told, if ``row`` has come to rest, in the transaction that stored it."""
    if row.observed.phase in AT_REST:
        connection.execute(_TELL, {"video_id": row.wish.video_id})


def notification(columns: DictRow) -> Notification:
    """Make the value of the columns NOTIFICATION."""
    failure = columns["failure"]
    return Notification(
        notification_id=columns["notification_id"],
        kind=Kind(columns["kind"]),
        video_id=columns["video_id"],
        edition=columns["edition"],
        owner=columns["owner"],
        created_at=columns["created_at"],
        sequence=columns["sequence"],
        title=columns["title"],
        metadata=columns["metadata"],
        email=columns["email"],
        failure=ToldFailure(FailureCode(failure["code"]), failure["message"]) if failure else None,
        is_playable=columns["is_playable"],
    )
