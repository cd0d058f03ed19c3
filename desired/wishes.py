"""What clients and people ask for: the API's side of `videos`. Reading is in desired/catalogue.py, what the operator
writes in desired/observations.py.

Every change of a wish raises the row's revision in the same statement and clears `retired`, and nudges the operator
when it commits. The wish of an import is its resource: it is changed nowhere here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from crds.schedule import Timing, deadline_at, restore_window
from crds.videoupload import DEFAULT_PROFILE, Observed, Origin, Phase, Reason, UploadMode
from desired import idempotency, nudges, retranscodes
from desired.database import Connection, Database
from desired.events import append_event
from desired.idempotency import IdempotencyKey
from desired.retranscodes import Allowance
from desired.rows import Cause, VideoRow, observed_columns, video_row

_HOUR_SECONDS = 3600.0

# One owner's creations are counted one after the other; different owners do not wait for each other.
_LOCK_OWNER = "SELECT pg_advisory_xact_lock(hashtextextended(%(owner)s, 7602))"

_CREATE = """
INSERT INTO videos (
    video_id, origin, owner, title, filename, content_type, declared_bytes, upload_mode, region, storage_key, profile,
    metadata, owner_email, phase, phase_since, reason, message, deadline_at)
SELECT
    %(video_id)s, %(origin)s, %(owner)s, %(title)s, %(filename)s, %(content_type)s, %(declared_bytes)s,
    %(upload_mode)s, %(region)s, %(storage_key)s, %(profile)s, %(metadata)s, %(email)s,
    %(phase)s, %(phase_since)s, %(reason)s, %(message)s, %(deadline_at)s
WHERE (SELECT count(*) FROM videos
       WHERE owner = %(owner)s AND created_at > clock_timestamp() - interval '1 hour') < %(per_hour)s
RETURNING *
"""

# The creation that has to leave the hour before the next one fits.
_OLDEST_COUNTED = """
SELECT extract(epoch FROM created_at + interval '1 hour' - clock_timestamp())::float AS seconds
FROM videos WHERE owner = %(owner)s AND created_at > clock_timestamp() - interval '1 hour'
ORDER BY created_at DESC OFFSET %(per_hour)s - 1 LIMIT 1
"""

_QUOTA = """
SELECT count(*) AS used, extract(epoch FROM min(created_at) + interval '1 hour' - clock_timestamp())::float AS seconds
FROM videos WHERE owner = %(owner)s AND created_at > clock_timestamp() - interval '1 hour'
"""

_GET = "SELECT * FROM videos WHERE video_id = %(video_id)s"

# What a statement refuses to change is answered as it was then, not as somebody else left it a moment later.
_LOCK = _GET + " FOR UPDATE"

# One confirmation counts until it has been answered by a rejection; further ones only nudge.
_CONFIRM = """
UPDATE videos SET confirmations = confirmations + 1, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND phase IN ('pending', 'uploading') AND NOT deleted
  AND confirmations <= coalesce((rejected ->> 'confirmations')::integer, confirmations_floor)
RETURNING *
"""

# Where `is_retryable` of crds/videoupload.py holds; a retry that no pass has taken up yet stands for both.
_RETRY = """
UPDATE videos SET retries = retries + 1, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted AND retries <= observed_retries
  AND (phase = 'errored' OR (phase = 'uploaded' AND reason = 'SubmissionHeld'))
RETURNING *
"""

_DELETE = """
UPDATE videos SET deleted = true, deleted_at = clock_timestamp(), revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND NOT deleted
RETURNING *
"""

_RESTORE = """
UPDATE videos SET deleted = false, deleted_at = NULL, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND origin = 'api' AND deleted_at > clock_timestamp() - %(window)s
RETURNING *
"""

# Two processes may open one at the same time: the first one counts, and the other gives its own up. What a part is
# stays, so that a client that comes back finds the same boundaries.
_OPEN_UPLOAD = """
UPDATE videos SET upload_id = %(upload_id)s, part_bytes = coalesce(part_bytes, %(part_bytes)s)
WHERE video_id = %(video_id)s AND origin = 'api' AND upload_mode = 'multipart' AND NOT deleted
  AND phase IN ('pending', 'uploading') AND upload_id IS NOT DISTINCT FROM %(instead_of)s
RETURNING *
"""


@dataclass(frozen=True)
class NewVideo:
    """What a client asked for; everything else of a new row follows from it."""

    video_id: str
    owner: str
    title: str
    filename: str
    content_type: str
    declared_bytes: int | None
    region: str
    storage_key: str
    upload_mode: UploadMode = UploadMode.SINGLE
    # No part of the wish: it stays in the row.
    metadata: Mapping[str, str] = field(default_factory=dict)
    # Where the owner wants to be told, likewise.
    email: str | None = None


@dataclass(frozen=True)
class Quota:
    """What is left of an owner's hour. ``more_in_seconds``: until the oldest upload that counts leaves it."""

    per_hour: int
    remaining: int
    more_in_seconds: float


class LimitReachedError(Exception):
    """The owner has created as many videos in the last hour as allowed."""

    def __init__(self, *, per_hour: int, retry_after_seconds: float) -> None:
        super().__init__(f"{per_hour} uploads in an hour are allowed")
        self.per_hour = per_hour
        self.retry_after_seconds = retry_after_seconds


class VideoGoneError(Exception):
    """There is no such row, or no longer: a purge was faster."""


class Wishes:
    """The wishes of all owners. Whether a caller may change a row is decided in webapi/."""

    def __init__(self, database: Database, timing: Timing) -> None:
        self._database = database
        self._timing = timing

    def create(self, new: NewVideo, *, per_hour: int, key: IdempotencyKey | None = None) -> VideoRow:
        """Insert a row that waits for its bytes, or return the one that ``key`` made before: it has another id.

        Raises LimitReachedError, KeyInUseError, KeyReusedError, UnavailableError.
        """
        observed = _first_observation(self._timing)
        parameters = {
            **vars(new),
            "metadata": Jsonb(dict(new.metadata)),
            **observed_columns(observed),
            "origin": Origin.API,
            "profile": DEFAULT_PROFILE,
            "per_hour": per_hour,
        }
        with self._database.transaction() as connection:
            made = idempotency.made_before(connection, new.owner, key) if key else None
            if made is not None:
                return made
            connection.execute(_LOCK_OWNER, {"owner": new.owner})
            inserted = connection.execute(_CREATE, parameters).fetchone()
            if inserted is None:
                raise LimitReachedError(per_hour=per_hour, retry_after_seconds=_wait(connection, new.owner, per_hour))
            row = video_row(inserted)
            append_event(connection, row, Cause.CLIENT)
            if key is not None:
                idempotency.keep(connection, new.owner, key, new.video_id)
            return row

    def quota(self, owner: str, *, per_hour: int) -> Quota:
        """Return what is left of an owner's hour. Raises UnavailableError."""
        with self._database.connection() as connection:
            found = connection.execute(_QUOTA, {"owner": owner}).fetchone() or {"used": 0, "seconds": None}
        seconds = _HOUR_SECONDS if found["seconds"] is None else found["seconds"]
        return Quota(per_hour, max(0, per_hour - found["used"]), max(0.0, seconds))

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
            found = connection.execute(_OPEN_UPLOAD, opened).fetchone() or connection.execute(_GET, opened).fetchone()
        if found is None:
            raise VideoGoneError(video_id)
        return video_row(found)

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
            retranscodes.lock_owner(connection, allowance)
            before = _locked(connection, video_id)
            row = retranscodes.ask(connection, video_id, allowance) or before
            nudges.send(connection, nudges.Nudge(video_id, Cause.PERSON))
        return video_row(row)

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
            row = connection.execute(statement, wanted).fetchone() or before
            nudges.send(connection, nudges.Nudge(video_id, cause))
        return video_row(row)


def _locked(connection: Connection, video_id: str) -> DictRow:
    found = connection.execute(_LOCK, {"video_id": video_id}).fetchone()
    if found is None:
        raise VideoGoneError(video_id)
    return found


def _first_observation(timing: Timing) -> Observed:
    now = datetime.now(UTC)
    return Observed(
        revision=1,
        phase=Phase.UPLOADING,
        phase_since=now,
        reason=Reason.WAITING_FOR_FILE,
        message="the file has not arrived yet",
        deadline_at=deadline_at(Phase.UPLOADING, now, timing),
    )


def _wait(connection: Connection, owner: str, per_hour: int) -> float:
    if per_hour < 1:
        return _HOUR_SECONDS
    found = connection.execute(_OLDEST_COUNTED, {"owner": owner, "per_hour": per_hour}).fetchone()
    return max(1.0, found["seconds"]) if found else 1.0
