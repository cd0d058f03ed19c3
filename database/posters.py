"""Posters of owners: what is wanted, the picture, and what the operator made public.

The picture is a row of its own, so that no list and no pass reads it without need. It changes in the transaction that
changes `videos.poster`, which names it by its digest.
"""

from dataclasses import replace

from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from database import wakeups
from database.columns import VIDEO, fetch_video
from database.pool import Connection, Database
from domain.posters import OwnPoster, chosen, digest_of
from domain.records import VideoRow

_CHANGE = f"""
UPDATE videos SET poster = %(poster)s, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_PUT = """
INSERT INTO posters (video_id, digest, body) VALUES (%(video_id)s, %(digest)s, %(body)s)
ON CONFLICT (video_id) DO UPDATE SET digest = excluded.digest, body = excluded.body
"""
_REMOVE = "DELETE FROM posters WHERE video_id = %(video_id)s"
_PICTURE = "SELECT body FROM posters WHERE video_id = %(video_id)s AND digest = %(digest)s"

# Only at the revisions that the pass read: a newer choice was not carried out, and a deletion withdraws what was.
_AT_ITS_REVISIONS = "WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed)s"
# People see another picture, so those who wait for a change of the video get it.
_SHOW = f"""
UPDATE videos SET poster_published = %(poster)s, observed_revision = observed_revision + 1 {_AT_ITS_REVISIONS}
RETURNING {VIDEO}, {wakeups.ANNOUNCE}
"""  # noqa: S608 - a constant
_SETTLE = f"UPDATE videos SET poster_published = %(poster)s {_AT_ITS_REVISIONS} RETURNING {VIDEO}"  # noqa: S608

_POSTER = TypeAdapter(OwnPoster)


def choose(connection: Connection, row: VideoRow, picture: bytes | None) -> VideoRow | None:
    """Choose another poster of a locked row, or the automatic one; None if nothing changes or the video is deleted."""
    poster = chosen(row.poster, None if picture is None else digest_of(picture))
    if poster == row.poster:
        return None
    values = {"video_id": row.desired.video_id, "digest": poster.digest, "body": picture}
    changed = fetch_video(connection, _CHANGE, {**values, "poster": _as_json(poster)})
    if changed is not None:
        connection.execute(_REMOVE if picture is None else _PUT, values)
    return changed


class PosterRows:
    """The posters as the operator sees them. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def picture(self, video_id: str, *, digest: str) -> bytes | None:
        """Return the picture of this name; None if it was replaced meanwhile."""
        with self._database.connection() as connection:
            found = connection.execute(_PICTURE, {"video_id": video_id, "digest": digest}).fetchone()
        return None if found is None else bytes(found["body"])

    def show(self, row: VideoRow) -> VideoRow | None:
        """Record that the chosen poster is there; others may be too. Return the new row, None if the row changed."""
        return self._store(_SHOW, row, replace(row.poster_published, digest=row.poster.digest))

    def settle(self, row: VideoRow) -> VideoRow | None:
        """Record that no other poster is left. Return the new row, None if the row changed."""
        return self._store(_SETTLE, row, row.poster)

    def _store(self, statement: str, row: VideoRow, poster: OwnPoster) -> VideoRow | None:
        values = {
            "video_id": row.desired.video_id,
            "revision": row.desired.revision,
            "observed": row.observed.revision,
            "poster": _as_json(poster),
        }
        with self._database.connection() as connection:
            return fetch_video(connection, statement, values)


def _as_json(poster: OwnPoster) -> Jsonb:
    return Jsonb(_POSTER.dump_python(poster, mode="json"))
