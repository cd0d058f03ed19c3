"""Notifications to owners and integrators, written with the change they report: once for each edition and kind, and for
each change of captions.

A notification does not change when the video does, and outlives it. Its deliveries are in database/outbox.py.
"""

from psycopg.rows import DictRow

from database.pool import Connection
from domain.failures import FailureCode
from domain.notifications import Notification, NotificationKind, NotifiedFailure
from domain.records import VideoRow
from domain.video import AT_REST, Phase

NOTIFICATION = """
    notifications.notification_id, notifications.kind, notifications.video_id, notifications.edition,
    notifications.owner, notifications.created_at, notifications.sequence, notifications.title,
    notifications.metadata, notifications.email, notifications.failure, notifications.is_playable,
    notifications.is_private, notifications.languages"""

# Written once for each edition and kind, however often that edition ends that way. The id follows from these, so that
# receivers recognise what is notified again after an older dump was restored. No mail about what a rollout asked for:
# it is no news to the owner.
_TELL = """
INSERT INTO notifications (
    notification_id, video_id, edition, kind, owner, sequence, title, metadata, email, failure, is_playable,
    is_private)
SELECT notification_id(video_id, observed_edition, 'video.' || phase),
       video_id, observed_edition, 'video.' || phase, owner, observed_revision, title, metadata,
       CASE WHEN rollout_edition IS DISTINCT FROM observed_edition THEN owner_email END,
       failure - 'provider_answer', is_playable AND NOT deleted, is_private
FROM videos WHERE video_id = %(video_id)s ON CONFLICT DO NOTHING
"""


# Most installations have no endpoint that asks for these, and then nothing is written.
_TELL_PROGRESS = """
INSERT INTO notifications (
    notification_id, video_id, edition, kind, owner, sequence, title, metadata, is_playable, is_private)
SELECT notification_id(video_id, observed_edition, 'video.' || phase),
       video_id, observed_edition, 'video.' || phase, owner, observed_revision, title, metadata,
       is_playable AND NOT deleted, is_private
FROM videos WHERE video_id = %(video_id)s AND EXISTS (
    SELECT FROM webhook_endpoints WHERE disabled_at IS NULL AND 'video.' || videos.phase = ANY(kinds))
ON CONFLICT DO NOTHING
"""
# A video can have many in one edition, so the id follows from what was published as well.
_TELL_CAPTIONS = """
INSERT INTO notifications (
    notification_id, video_id, edition, kind, owner, sequence, title, metadata, is_playable, is_private, languages)
SELECT notification_id(video_id, %(edition)s, 'video.captions/' || revision || '/' || md5(captions_published::text)),
       video_id, %(edition)s, 'video.captions', owner, observed_revision, title, metadata,
       is_playable AND NOT deleted, is_private, %(languages)s
FROM videos WHERE video_id = %(video_id)s AND EXISTS (
    SELECT FROM webhook_endpoints WHERE disabled_at IS NULL AND 'video.captions' = ANY(kinds))
ON CONFLICT DO NOTHING
"""
_IN_PROGRESS = frozenset({Phase.UPLOADED, Phase.PROCESSING})


def tell_owner(connection: Connection, row: VideoRow) -> None:
    """Write the notification of the phase that ``row`` has reached, in the transaction that stored the row.

    At rest it is for everyone. On the way it is for the endpoints that ask for it, and never goes by mail.
    """
    if row.observed.phase in AT_REST:
        connection.execute(_TELL, {"video_id": row.desired.video_id})
    elif row.observed.phase in _IN_PROGRESS:
        connection.execute(_TELL_PROGRESS, {"video_id": row.desired.video_id})


def tell_of_captions(connection: Connection, row: VideoRow, *, edition: int) -> None:
    """Write that the captions beside an edition have changed, in the transaction that stored ``row``.

    It is for the endpoints that ask for it, and never goes by mail.
    """
    languages = [track.language for track in row.captions_published.captions.tracks]
    values = {"video_id": row.desired.video_id, "edition": edition, "languages": languages}
    connection.execute(_TELL_CAPTIONS, values)


def notification(columns: DictRow) -> Notification:
    """Make a Notification from the columns NOTIFICATION."""
    failure = columns["failure"]
    return Notification(
        notification_id=columns["notification_id"],
        kind=NotificationKind(columns["kind"]),
        video_id=columns["video_id"],
        edition=columns["edition"],
        owner=columns["owner"],
        created_at=columns["created_at"],
        sequence=columns["sequence"],
        title=columns["title"],
        metadata=columns["metadata"],
        email=columns["email"],
        failure=NotifiedFailure(FailureCode(failure["code"]), failure["message"]) if failure else None,
        is_playable=columns["is_playable"],
        is_private=columns["is_private"],
        languages=None if columns["languages"] is None else tuple(columns["languages"]),
    )
