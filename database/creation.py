"""Creating a video: its row, the first lines of its history, and what is left of its owner's hourly quota.

Idempotency keys are in database/idempotency_keys.py; later changes by clients are in database/commands.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from database.columns import VIDEO, observed_parameters, video_row
from database.pool import Connection
from domain.records import Cause, VideoRow
from domain.schedule import Timing, first_observation
from domain.video import DEFAULT_PROFILE, Origin, Phase, Reason, UploadMode

_HOUR_SECONDS = 3600.0
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

# Postgres evaluates the subselect once, so that the index finds the hour; it would call the bare clock function for
# each row.
_OF_THE_HOUR = "owner = %(owner)s AND created_at > (SELECT clock_timestamp() - interval '1 hour')"
_LEAVES_IN_SECONDS = "extract(epoch FROM {} + interval '1 hour' - clock_timestamp())::float"

# One statement, so one round trip. One owner's creations are counted one after the other (migration 0008); different
# owners do not wait for each other. The row starts by Postgres' clock: only the difference between the two instants of
# the first observation is used here.
_CREATE = f"""
WITH counted AS (
    SELECT used, oldest, clock_timestamp() AS now FROM creations_of_the_hour(%(owner)s)
), made AS (
    INSERT INTO videos (
        video_id, created_at, origin, owner, title, filename, content_type, declared_bytes, upload_mode, region,
        storage_key, profile, metadata, owner_email, phase, phase_since, reason, message, deadline_at)
    SELECT
        %(video_id)s, counted.now, %(origin)s, %(owner)s, %(title)s, %(filename)s, %(content_type)s,
        %(declared_bytes)s, %(upload_mode)s, %(region)s, %(storage_key)s, %(profile)s, %(metadata)s, %(email)s,
        %(phase)s, counted.now, %(reason)s, %(message)s, counted.now + (%(deadline_at)s - %(phase_since)s)
    FROM counted WHERE counted.used < %(per_hour)s
    RETURNING {VIDEO}
), history AS (
    INSERT INTO video_events (video_id, observed_revision, at, cause, phase, reason, message, attempt)
    SELECT video_id, 0, phase_since, %(cause)s, %(pending)s, %(pending_reason)s, %(pending_message)s, 0 FROM made
    UNION ALL
    SELECT video_id, observed_revision, phase_since, %(cause)s, phase, reason, message, attempt FROM made
)
SELECT made.*, counted.used + 1 AS used,
    {_LEAVES_IN_SECONDS.format("coalesce(counted.oldest, made.created_at)")} AS more_in_seconds
FROM made, counted
"""  # noqa: S608 - a constant

# The creation that has to leave the hour before the next one fits.
_OLDEST_COUNTED = f"""
SELECT {_LEAVES_IN_SECONDS.format("created_at")} AS seconds
FROM videos WHERE {_OF_THE_HOUR} ORDER BY created_at DESC OFFSET %(per_hour)s - 1 LIMIT 1
"""  # noqa: S608 - constants

_QUOTA = f"""
SELECT count(*) AS used, {_LEAVES_IN_SECONDS.format("min(created_at)")} AS more_in_seconds
FROM videos WHERE {_OF_THE_HOUR}
"""  # noqa: S608 - constants


@dataclass(frozen=True)
class NewRow:
    """A client's request; the rest of a new row follows from it."""

    video_id: str
    owner: str
    title: str
    filename: str
    content_type: str
    declared_bytes: int | None
    region: str
    storage_key: str
    upload_mode: UploadMode = UploadMode.SINGLE
    # Not part of the desired state: it stays in the row.
    metadata: Mapping[str, str] = field(default_factory=dict)
    # The owner's address for notifications, likewise.
    email: str | None = None


@dataclass(frozen=True)
class Quota:
    """What is left of an owner's hourly quota. ``more_in_seconds``: until the oldest counted upload leaves the hour."""

    per_hour: int
    remaining: int
    more_in_seconds: float


@dataclass(frozen=True)
class Created:
    """The requested row, and what is left of its owner's hourly quota."""

    row: VideoRow
    quota: Quota


class LimitReachedError(Exception):
    """The owner has created as many videos in the last hour as allowed."""

    def __init__(self, *, per_hour: int, retry_after_seconds: float) -> None:
        super().__init__(f"at most {per_hour} uploads an hour are allowed")
        self.per_hour = per_hour
        self.retry_after_seconds = retry_after_seconds


def create(connection: Connection, new: NewRow, *, per_hour: int, timing: Timing) -> Created:
    """Insert a row that waits for its file. Raises LimitReachedError."""
    parameters = {
        **vars(new),
        "metadata": Jsonb(dict(new.metadata)),
        **observed_parameters(first_observation(_ANY_TIME, timing)),
        "origin": Origin.API,
        "profile": DEFAULT_PROFILE,
        "cause": Cause.CLIENT,
        # The statement that creates the row also issues the upload URL, so the first phase lasts for no time.
        "pending": Phase.PENDING,
        "pending_reason": Reason.WAITING_FOR_UPLOAD_URL,
        "pending_message": "the upload was created",
        "per_hour": per_hour,
    }
    values = connection.cursor(row_factory=tuple_row).execute(_CREATE, parameters).fetchone()
    if values is None:
        raise LimitReachedError(per_hour=per_hour, retry_after_seconds=_wait(connection, new.owner, per_hour))
    *columns, used, more_in_seconds = values
    return Created(video_row(columns), _quota(used, more_in_seconds, per_hour))


def quota(connection: Connection, owner: str, *, per_hour: int) -> Quota:
    """Return what is left of an owner's hourly quota."""
    usage = connection.execute(_QUOTA, {"owner": owner}).fetchone() or {"used": 0, "more_in_seconds": None}
    return _quota(usage["used"], usage["more_in_seconds"], per_hour)


def _quota(used: int, more_in_seconds: float | None, per_hour: int) -> Quota:
    seconds = _HOUR_SECONDS if more_in_seconds is None else max(0.0, more_in_seconds)
    return Quota(per_hour, max(0, per_hour - used), seconds)


def _wait(connection: Connection, owner: str, per_hour: int) -> float:
    if per_hour < 1:
        return _HOUR_SECONDS
    oldest = connection.execute(_OLDEST_COUNTED, {"owner": owner, "per_hour": per_hour}).fetchone()
    return max(1.0, oldest["seconds"]) if oldest else 1.0
