"""Captions: what owners want of them, their texts, and what the operator made public.

The texts are rows of their own, so that no list and no pass reads them without need. They change in the transaction
that changes `videos.captions`, which names each by its digest.
"""

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from database.columns import VIDEO, fetch_video
from database.notifications import tell_of_captions
from database.pool import Connection, Database
from domain.captions import Captions, CaptionTrack, PublishedCaptions, with_track, without_track
from domain.records import VideoRow
from domain.video import Reason

_CHANGE = f"""
UPDATE videos SET captions = %(captions)s, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_PUT_TEXT = """
INSERT INTO caption_texts AS stored (video_id, language, digest, body)
VALUES (%(video_id)s, %(language)s, %(digest)s, %(body)s)
ON CONFLICT (video_id, language) DO UPDATE SET digest = excluded.digest, body = excluded.body
WHERE stored.digest <> excluded.digest
"""
_REMOVE_TEXT = "DELETE FROM caption_texts WHERE video_id = %(video_id)s AND language = %(language)s"
_TEXT = """
SELECT body FROM caption_texts WHERE video_id = %(video_id)s AND language = %(language)s AND digest = %(digest)s
"""

# Only at the revisions that the pass read: newer captions were not written, and a deletion withdraws what was.
_PUBLISH = f"""
UPDATE videos SET captions_published = %(published)s
WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed_revision)s
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_CAPTIONS, _PUBLISHED = TypeAdapter(Captions), TypeAdapter(PublishedCaptions)


def put(connection: Connection, row: VideoRow, track: CaptionTrack, text: str) -> VideoRow | None:
    """Replace the captions in one language of a locked row; None if that changes nothing or the video is deleted.

    Raises TooManyCaptionsError, CaptionsBusyError.
    """
    changed = _change(connection, row, with_track(row.captions, row.captions_published, track))
    if changed is not None:
        values = {"video_id": row.desired.video_id, "language": track.language, "digest": track.digest, "body": text}
        connection.execute(_PUT_TEXT, values)
    return changed


def remove(connection: Connection, row: VideoRow, language: str) -> VideoRow | None:
    """Remove the captions in one language of a locked row; None if that changes nothing or the video is deleted.

    Raises CaptionsBusyError.
    """
    changed = _change(connection, row, without_track(row.captions, row.captions_published, language))
    if changed is not None:
        connection.execute(_REMOVE_TEXT, {"video_id": row.desired.video_id, "language": language})
    return changed


def _change(connection: Connection, row: VideoRow, captions: Captions) -> VideoRow | None:
    if captions == row.captions:
        return None
    values = Jsonb(_CAPTIONS.dump_python(captions, mode="json"))
    return fetch_video(connection, _CHANGE, {"video_id": row.desired.video_id, "captions": values})


class CaptionRows:
    """The captions as the operator sees them. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def text(self, video_id: str, language: str, *, digest: str) -> str | None:
        """Return the text of this name; None if it was replaced or removed meanwhile."""
        values = {"video_id": video_id, "language": language, "digest": digest}
        with self._database.connection() as connection:
            found = connection.execute(_TEXT, values).fetchone()
        return None if found is None else str(found["body"])

    def publish(self, row: VideoRow, published: PublishedCaptions) -> VideoRow | None:
        """Store what was made public, and return the new row; None if the row changed in the meantime.

        Endpoints learn of a change beside a stream that is public; the message about a new stream covers its captions.
        """
        values = {
            "video_id": row.desired.video_id,
            "revision": row.desired.revision,
            "observed_revision": row.observed.revision,
            "published": Jsonb(_PUBLISHED.dump_python(published, mode="json")),
        }
        is_news = published.captions.tracks != row.captions_published.captions.tracks
        stream = None if row.observed.reason is Reason.PUBLISHING else row.observed.published
        with self._database.transaction() as connection:
            after = fetch_video(connection, _PUBLISH, values)
            if after is not None and stream is not None and is_news:
                tell_of_captions(connection, after, edition=stream.edition)
            return after
