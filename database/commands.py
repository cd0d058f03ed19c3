"""What clients and people ask for: the API's side of `videos`. The first of a row is in database/creation.py, reading
in database/queries.py, what the operator writes in database/observations.py.

Every change of a wish raises the row's revision in the same statement and clears `retired`, and nudges the operator
when it commits. The wish of an import is its resource: it is changed nowhere here.
"""

from database import creation, idempotency_keys, locks, notify, retranscodes
from database.columns import SELECT_VIDEO, VIDEO, fetch_video
from database.creation import Created, NewVideo
from database.idempotency_keys import IdempotencyKey
from database.pool import Connection, Database
from database.retranscodes import Allowance
from domain.records import Cause, VideoRow
from domain.schedule import Timing, restore_window

# What a statement refuses to change is answered as it was then, not as somebody else left it a moment later.
_LOCK = SELECT_VIDEO + " FOR UPDATE"

# One confirmation counts until it has been answered by a rejection; further ones only nudge.
_CONFIRM = f"""
UPDATE videos SET confirmations = confirmations + 1, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND phase IN ('pending', 'uploading') AND NOT deleted
  AND confirmations <= coalesce((rejected ->> 'confirmations')::integer, confirmations_floor)
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

# Where `is_retryable` of domain/video.py holds; a retry that no pass has taken up yet stands for both.
_RETRY = f"""
UPDATE videos SET retries = retries + 1, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted AND retries <= observed_retries
  AND (phase = 'errored' OR (phase = 'uploaded' AND reason = 'SubmissionHeld'))
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_DELETE = f"""
UPDATE videos SET deleted = true, deleted_at = clock_timestamp(), revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_RESTORE = f"""
UPDATE videos SET deleted = false, deleted_at = NULL, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND deleted_at > clock_timestamp() - %(window)s
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

# Two processes may open one at the same time: the first one counts, and the other gives its own up. What a part is
# stays, so that a client that comes back finds the same boundaries.
_OPEN_UPLOAD = f"""
UPDATE videos SET upload_id = %(upload_id)s, part_bytes = coalesce(part_bytes, %(part_bytes)s)
WHERE video_id = %(video_id)s AND origin = 'api' AND upload_mode = 'multipart' AND NOT deleted
  AND phase IN ('pending', 'uploading') AND upload_id IS NOT DISTINCT FROM %(instead_of)s
RETURNING {VIDEO}
"""  # noqa: S608 - a constant


class VideoGoneError(Exception):
    """There is no such row, or no longer: a purge was faster."""


class VideoCommands:
    """The wishes of all owners. Whether a caller may change a row is decided in webapi/."""

    def __init__(self, database: Database, timing: Timing) -> None:
        self._database = database
        self._timing = timing

    def create(self, new: NewVideo, *, per_hour: int, key: IdempotencyKey | None = None) -> Created:
        """Insert a row that waits for its bytes, or return the one that ``key`` made before: it has another id.

        Raises LimitReachedError, KeyInUseError, KeyReusedError, UnavailableError.
        """
        if key is None:
            with self._database.connection() as connection:
                return creation.create(connection, new, per_hour=per_hour, timing=self._timing)
        with self._database.transaction() as connection:
            made = idempotency_keys.made_before(connection, new.owner, key)
            if made is not None:
                return Created(made, creation.quota(connection, new.owner, per_hour=per_hour))
            created = creation.create(connection, new, per_hour=per_hour, timing=self._timing)
            idempotency_keys.keep(connection, new.owner, key, new.video_id)
            return created

    def open_upload(self, video_id: str, *, upload_id: str, part_bytes: int, instead_of: str | None) -> VideoRow:
        """Record a multipart upload that was opened for a video that waits for its file.

        ``instead_of``: the one on record when it was opened. Returns the row as it is then: with another upload if
        somebody else was faster, or nothing is waited for. Raises VideoGoneError, UnavailableError.
        """
        opened = {
            "video_id": video_id,
            "upload_id": upload_id,
            "part_bytes": part_bytes,
            "instead_of": instead_of,
        }
        with self._database.transaction() as connection:
            # No part of what the resource shows: the revision stays, and nobody has to look.
            row = fetch_video(connection, _OPEN_UPLOAD, opened) or fetch_video(connection, SELECT_VIDEO, opened)
        if row is None:
            raise VideoGoneError(video_id)
        return row

    def confirm(self, video_id: str) -> VideoRow:
        """Record that the client says its bytes are there. Repeating it changes nothing.

        This and the following return the row as it is then, whether or not it was changed.
        They raise VideoGoneError, UnavailableError.
        """
        return self._change(_CONFIRM, video_id, Cause.CLIENT)

    def retry(self, video_id: str) -> VideoRow:
        """Ask for another try of what failed. One that is asked for already counts for this one too."""
        return self._change(_RETRY, video_id, Cause.PERSON)

    def retranscode(self, video_id: str, *, allowance: Allowance) -> VideoRow:
        """Ask for a new edition of what can be played. One that is asked for already counts for this one too.

        Raises RetranscodesSpentError besides.
        """
        with self._database.transaction() as connection:
            locks.lock_retranscodes(connection, allowance.owner)
            before = _locked(connection, video_id)
            row = retranscodes.ask(connection, video_id, allowance) or before
            notify.send(connection, notify.Wakeup(video_id, Cause.PERSON))
        return row

    def delete(self, video_id: str) -> VideoRow:
        """Delete the video, for now. It goes for good when nobody restores it in time."""
        return self._change(_DELETE, video_id, Cause.PERSON)

    def restore(self, video_id: str) -> VideoRow:
        """Take a deletion back, unless the removal of files is near or has begun."""
        return self._change(_RESTORE, video_id, Cause.PERSON, window=restore_window(self._timing))

    def _change(self, statement: str, video_id: str, cause: Cause, **known: object) -> VideoRow:
        """Change the row if the statement lets it, and have the operator look at it."""
        wanted = {"video_id": video_id, **known}
        with self._database.transaction() as connection:
            before = _locked(connection, video_id)
            row = fetch_video(connection, statement, wanted) or before
            notify.send(connection, notify.Wakeup(video_id, cause))
        return row


def _locked(connection: Connection, video_id: str) -> VideoRow:
    row = fetch_video(connection, _LOCK, {"video_id": video_id})
    if row is None:
        raise VideoGoneError(video_id)
    return row
