"""Creating a video: its row, the first lines of its history, and what is left of its owner's quotas.

Idempotency keys are in database/idempotency_keys.py; later changes by clients are in database/commands.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from database.columns import VIDEO, observed_parameters, video_row
from database.pool import Connection
from domain.profiles import DEFAULT_PROFILE
from domain.records import Cause, VideoRow
from domain.schedule import Timing, first_observation
from domain.video import SOURCE_NOT_BEGUN, ObservedState, Origin, Phase, Reason, UploadMode, Visibility

_HOUR_SECONDS = 3600.0
_DAY_SECONDS = 24 * _HOUR_SECONDS
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

# Postgres evaluates the subselect once, so that the index finds the hour; it would call the bare clock function for
# each row.
_OF_THE_HOUR = "owner = %(owner)s AND created_at > (SELECT clock_timestamp() - interval '1 hour')"
_OF_THE_DAY = "owner = %(owner)s AND created_at > (SELECT clock_timestamp() - interval '1 day')"
# A file of undeclared size that is waited for counts for nothing in the first hour (migration 0030).
_BYTES = """counted_bytes(source, declared_bytes, phase IN ('pending', 'uploading') AND NOT deleted AND rejected IS NULL
    AND created_at > (SELECT clock_timestamp() - interval '1 hour'), %(largest)s::bigint)"""
_LEAVES_IN_SECONDS = "extract(epoch FROM {} + interval '1 hour' - clock_timestamp())::float"

# One statement, so one round trip. One owner's creations are counted one after the other (migrations 0008 and 0030);
# different owners do not wait for each other. A file of undeclared size needs a byte to be left. The row starts by
# Postgres' clock: only the difference between the two instants of the first observation is used here.
_CREATE = f"""
WITH counted AS (
    SELECT used, oldest, used_bytes, clock_timestamp() AS now FROM creations_of(%(owner)s, %(largest)s::bigint)
), made AS (
    INSERT INTO videos (
        video_id, created_at, origin, owner, title, filename, content_type, declared_bytes, upload_mode, region,
        storage_key, profile, visibility, metadata, owner_email, content_md5, source_url,
        embed_origins, phase, phase_since, reason, message, deadline_at)
    SELECT
        %(video_id)s, counted.now, %(origin)s, %(owner)s, %(title)s, %(filename)s, %(content_type)s,
        %(declared_bytes)s, %(upload_mode)s, %(region)s, %(storage_key)s, %(profile)s, %(visibility)s,
        %(metadata)s, %(email)s, %(content_md5)s, %(source_url)s,
        %(embed_origins)s::text[], %(phase)s,
        counted.now, %(reason)s, %(message)s, counted.now + (%(deadline_at)s - %(phase_since)s)
    FROM counted
    WHERE counted.used < %(per_hour)s
      AND (%(largest)s::bigint IS NULL
        OR counted.used_bytes + coalesce(%(declared_bytes)s::bigint, 1) <= %(bytes_per_day)s::bigint)
    RETURNING {VIDEO}
), history AS (
    INSERT INTO video_events (video_id, observed_revision, at, cause, phase, reason, message, attempt)
    SELECT video_id, 0, phase_since, %(cause)s, %(pending)s, %(pending_reason)s, %(pending_message)s, 0 FROM made
    UNION ALL
    SELECT video_id, observed_revision, phase_since, %(cause)s, phase, reason, message, attempt FROM made
)
SELECT made.*, counted.used, counted.used_bytes,
    {_LEAVES_IN_SECONDS.format("coalesce(counted.oldest, made.created_at)")} AS more_in_seconds
FROM counted LEFT JOIN made ON true
"""  # noqa: S608 - a constant

# How long until the next creation is allowed: until enough of those counted are more than an hour old.
_OLDEST_COUNTED = f"""
SELECT {_LEAVES_IN_SECONDS.format("created_at")} AS seconds
FROM videos WHERE {_OF_THE_HOUR} ORDER BY created_at DESC OFFSET %(per_hour)s - 1 LIMIT 1
"""  # noqa: S608 - constants

_QUOTA = f"""
SELECT count(*) FILTER (WHERE {_OF_THE_HOUR}) AS used,
       {_LEAVES_IN_SECONDS.format(f"min(created_at) FILTER (WHERE {_OF_THE_HOUR})")} AS more_in_seconds,
       coalesce(sum({_BYTES}), 0) AS used_bytes
FROM videos WHERE {_OF_THE_DAY}
"""  # noqa: S608 - constants

# How long until so many bytes are left: until enough of the videos counted are more than a day old.
_ROOM_FOR = f"""
SELECT extract(epoch FROM max(created_at) + interval '1 day' - clock_timestamp())::float AS seconds FROM (
    SELECT created_at, sum({_BYTES}) OVER (ORDER BY created_at DESC, video_id) AS bytes FROM videos WHERE {_OF_THE_DAY}
) AS newer WHERE bytes > %(bytes_per_day)s::bigint - coalesce(%(declared_bytes)s::bigint, 1)
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
    visibility: Visibility = Visibility.PUBLIC
    profile: str = DEFAULT_PROFILE
    # Not part of the desired state: it stays in the row.
    metadata: Mapping[str, str] = field(default_factory=dict)
    # The owner's address for notifications, and the checksum of the file in base64, likewise.
    email: str | None = None
    content_md5: str | None = None
    # From where the operator fetches the file, likewise; a secret of the owner.
    source_url: str | None = field(default=None, repr=False)
    # Which sites may show it, likewise; None for those of the installation.
    embed_origins: tuple[str, ...] | None = None


@dataclass(frozen=True)
class BytesPerDay:
    """How many bytes one owner may upload in 24 hours. ``largest``: what a file of unknown size counts for."""

    at_most: int
    largest: int


@dataclass(frozen=True)
class Quota:
    """What is left of an owner's quotas. ``more_in_seconds``: until the oldest counted upload leaves the hour.

    ``bytes_per_day``: None if bytes are not limited.
    """

    per_hour: int
    remaining: int
    more_in_seconds: float
    bytes_per_day: int | None = None
    remaining_bytes: int = 0


@dataclass(frozen=True)
class Created:
    """The requested row, and what is left of its owner's quotas."""

    row: VideoRow
    quota: Quota


class LimitReachedError(Exception):
    """The owner has created as many videos in the last hour as allowed."""

    def __init__(self, *, per_hour: int, retry_after_seconds: float) -> None:
        super().__init__(f"at most {per_hour} uploads an hour are allowed")
        self.per_hour = per_hour
        self.retry_after_seconds = retry_after_seconds


class BytesSpentError(Exception):
    """The file does not fit into what the owner may upload in 24 hours."""

    def __init__(self, *, per_day: int, remaining: int, retry_after_seconds: float) -> None:
        super().__init__(f"at most {per_day} bytes a day are allowed")
        self.per_day = per_day
        self.remaining = remaining
        self.retry_after_seconds = retry_after_seconds


def create(
    connection: Connection, new: NewRow, *, per_hour: int, timing: Timing, per_day: BytesPerDay | None = None
) -> Created:
    """Insert a row that waits for its file. Raises LimitReachedError, BytesSpentError."""
    parameters = {
        **vars(new),
        "metadata": Jsonb(dict(new.metadata)),
        "embed_origins": None if new.embed_origins is None else list(new.embed_origins),
        **observed_parameters(_first_observation(new, timing)),
        "origin": Origin.API,
        "cause": Cause.CLIENT,
        # The statement that creates the row also issues the upload URL, so the first phase lasts for no time.
        "pending": Phase.PENDING,
        "pending_reason": Reason.WAITING_FOR_UPLOAD_URL,
        "pending_message": "the upload was created",
        "per_hour": per_hour,
        **_limit(per_day),
    }
    values = connection.cursor(row_factory=tuple_row).execute(_CREATE, parameters).fetchone()
    assert values is not None  # noqa: S101  a count is always there
    *columns, used, used_bytes, more_in_seconds = values
    if columns[0] is not None:
        counted = used_bytes + (new.declared_bytes or 0)
        return Created(video_row(columns), _quota(used + 1, more_in_seconds, per_hour, per_day, counted))
    if used >= per_hour or per_day is None:
        raise LimitReachedError(per_hour=per_hour, retry_after_seconds=_wait(connection, new.owner, per_hour))
    room = connection.execute(_ROOM_FOR, parameters).fetchone() or {"seconds": None}
    seconds = _DAY_SECONDS if room["seconds"] is None else max(1.0, room["seconds"])
    remaining = max(0, per_day.at_most - int(used_bytes))
    raise BytesSpentError(per_day=per_day.at_most, remaining=remaining, retry_after_seconds=seconds)


def _first_observation(new: NewRow, timing: Timing) -> ObservedState:
    first = first_observation(_ANY_TIME, timing)
    return (
        first if new.source_url is None else replace(first, reason=Reason.WAITING_FOR_SOURCE, message=SOURCE_NOT_BEGUN)
    )


def quota(connection: Connection, owner: str, *, per_hour: int, per_day: BytesPerDay | None = None) -> Quota:
    """Return what is left of an owner's quotas."""
    usage = connection.execute(_QUOTA, {"owner": owner, **_limit(per_day)}).fetchone()
    assert usage is not None  # noqa: S101  a count is always there
    return _quota(usage["used"], usage["more_in_seconds"], per_hour, per_day, usage["used_bytes"])


def _limit(per_day: BytesPerDay | None) -> dict[str, int | None]:
    if per_day is None:
        return {"bytes_per_day": None, "largest": None}
    return {"bytes_per_day": per_day.at_most, "largest": per_day.largest}


def _quota(
    used: int, more_in_seconds: float | None, per_hour: int, per_day: BytesPerDay | None, used_bytes: Decimal | int
) -> Quota:
    seconds = _HOUR_SECONDS if more_in_seconds is None else max(0.0, more_in_seconds)
    remaining = max(0, per_hour - used)
    if per_day is None:
        return Quota(per_hour, remaining, seconds)
    return Quota(per_hour, remaining, seconds, per_day.at_most, max(0, per_day.at_most - int(used_bytes)))


def _wait(connection: Connection, owner: str, per_hour: int) -> float:
    if per_hour < 1:
        return _HOUR_SECONDS
    oldest = connection.execute(_OLDEST_COUNTED, {"owner": owner, "per_hour": per_hour}).fetchone()
    return max(1.0, oldest["seconds"]) if oldest else 1.0
