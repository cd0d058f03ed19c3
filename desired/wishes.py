"""What clients ask for: the API's side of `videos`. Observations are written elsewhere (desired/observations.py).

Every change of a wish raises the row's revision in the same statement, clears `retired` and nudges the operator.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from crds.schedule import Timing, deadline_at
from crds.videoupload import DEFAULT_PROFILE, Observed, Origin, Phase, Reason, UploadMode
from desired import nudges
from desired.database import Connection, Database
from desired.events import append_event
from desired.rows import Cause, VideoRow, observed_columns, video_row

# One owner's creations are counted one after the other; different owners do not wait for each other.
_LOCK_OWNER = "SELECT pg_advisory_xact_lock(hashtextextended(%(owner)s, 7602))"

_CREATE = """
INSERT INTO videos (
    video_id, origin, owner, title, filename, content_type, declared_bytes, upload_mode, region, storage_key, profile,
    phase, phase_since, reason, message, deadline_at)
SELECT
    %(video_id)s, %(origin)s, %(owner)s, %(title)s, %(filename)s, %(content_type)s, %(declared_bytes)s,
    %(upload_mode)s, %(region)s, %(storage_key)s, %(profile)s,
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

_GET = "SELECT * FROM videos WHERE video_id = %(video_id)s"

# One confirmation counts until it has been answered by a rejection; further ones only nudge.
_CONFIRM = """
UPDATE videos SET confirmations = confirmations + 1, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND phase IN ('pending', 'uploading') AND NOT deleted
  AND confirmations <= coalesce((rejected ->> 'confirmations')::integer, 0)
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


class LimitReachedError(Exception):
    """The owner has created as many videos in the last hour as allowed."""

    def __init__(self, *, per_hour: int, retry_after_seconds: float) -> None:
        super().__init__(f"{per_hour} uploads in an hour are allowed")
        self.per_hour = per_hour
        self.retry_after_seconds = retry_after_seconds


class Wishes:
    """The wishes of all owners. Whether a caller may see a row is decided in webapi/."""

    def __init__(self, database: Database, timing: Timing) -> None:
        self._database = database
        self._timing = timing

    def create(self, new: NewVideo, *, per_hour: int) -> VideoRow:
        """Insert a row that waits for its bytes. Raises LimitReachedError, UnavailableError."""
        observed = _first_observation(self._timing)
        parameters = {
            **vars(new),
            **observed_columns(observed),
            "origin": Origin.API,
            "upload_mode": UploadMode.SINGLE,
            "profile": DEFAULT_PROFILE,
            "per_hour": per_hour,
        }
        with self._database.transaction() as connection:
            connection.execute(_LOCK_OWNER, {"owner": new.owner})
            inserted = connection.execute(_CREATE, parameters).fetchone()
            if inserted is None:
                raise LimitReachedError(per_hour=per_hour, retry_after_seconds=_wait(connection, new.owner, per_hour))
            row = video_row(inserted)
            append_event(connection, row, Cause.CLIENT)
            return row

    def get(self, video_id: str) -> VideoRow | None:
        """Return one row, whoever owns it. Raises UnavailableError."""
        with self._database.connection() as connection:
            found = connection.execute(_GET, {"video_id": video_id}).fetchone()
        return None if found is None else video_row(found)

    def confirm(self, video_id: str) -> VideoRow:
        """Record that the client says its bytes are there. Repeating it changes nothing.

        Raises KeyError when there is no such row, UnavailableError.
        """
        with self._database.transaction() as connection:
            row = connection.execute(_CONFIRM, {"video_id": video_id}).fetchone()
            row = row or connection.execute(_GET, {"video_id": video_id}).fetchone()
            if row is None:
                raise KeyError(video_id)
            nudges.send(connection, nudges.Nudge(video_id, Cause.CLIENT))
        return video_row(row)


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
        return 3600.0
    found = connection.execute(_OLDEST_COUNTED, {"owner": owner, "per_hour": per_hour}).fetchone()
    return max(1.0, found["seconds"]) if found else 1.0
