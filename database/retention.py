"""How a row leaves the working set, and how it ends: retirement, the retention of failed uploads, and the purge with
the tombstone that it leaves.
"""

from datetime import datetime, timedelta

from database import events, wakeups
from database.columns import VIDEO, fetch_video
from database.pool import Database
from database.regions import IN_SCOPE, scope_parameters
from domain.records import Cause, VideoRow
from domain.regions import EVERYWHERE, RegionScope

# Only at the revisions that the pass read: a newer desired or observed state means that there is work to do.
_RETIRE = f"""
UPDATE videos SET retired = true
WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed_revision)s AND NOT retired
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_PURGE = f"""
WITH gone AS (
    DELETE FROM videos
    WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed_revision)s AND deleted
    RETURNING video_id, owner, edition, attempt, observed_revision, title, metadata, owner_email, {wakeups.ANNOUNCE}
), notified AS (
    INSERT INTO notifications (notification_id, video_id, edition, kind, owner, sequence, title, metadata, email)
    SELECT notification_id(video_id, edition, 'video.deleted'), video_id, edition, 'video.deleted', owner,
           observed_revision + 1, title, metadata, owner_email
    FROM gone ON CONFLICT DO NOTHING
)
INSERT INTO tombstones (video_id, last_attempt) SELECT video_id, attempt FROM gone
ON CONFLICT (video_id) DO UPDATE SET purged_at = clock_timestamp(), last_attempt = excluded.last_attempt
"""  # noqa: S608 - a constant

# The condition of domain/retention.py. An import stays for as long as its manifest is applied. Of two dates the later
# one counts: a restored upload is kept as long again.
_HAS_FAILED = "phase = 'errored' AND origin = 'api' AND NOT deleted AND NOT is_playable"
_SINCE = "greatest(phase_since, restored_at)"
# Each half walks an index of its own, so that an upload whose file is already gone is not read again.
_EXPIRED = f"""
(SELECT video_id FROM videos WHERE {_HAS_FAILED} AND NOT is_paused AND {_SINCE} <= %(rows_before)s AND {IN_SCOPE}
 ORDER BY {_SINCE} LIMIT %(at_most)s)
UNION
(SELECT video_id FROM videos
 WHERE {_HAS_FAILED} AND reason <> 'FileRemoved' AND NOT is_paused AND {_SINCE} <= %(files_before)s AND {IN_SCOPE}
 ORDER BY {_SINCE} LIMIT %(at_most)s)
LIMIT %(at_most)s
"""  # noqa: S608 - constants

# By the clock of Postgres too: an operator whose clock is months ahead deletes nothing. The resource may have left
# Kubernetes long ago; it does not come back to be deleted.
_EXPIRE = f"""
WITH changed AS (
    UPDATE videos SET deleted = true, deleted_at = clock_timestamp(), revision = revision + 1
    WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed_revision)s
      AND {_HAS_FAILED} AND {_SINCE} <= clock_timestamp() - %(after)s
    RETURNING {VIDEO}, {wakeups.ANNOUNCE}
), outdated AS ({events.DROP_OLDEST}), history AS (
    INSERT INTO video_events (video_id, observed_revision, desired_revision, at, cause, phase, reason, message, attempt)
    SELECT video_id, observed_revision, revision, clock_timestamp(), %(cause)s, phase, reason, %(said)s, attempt
    FROM changed
)
SELECT changed.* FROM changed
"""  # noqa: S608 - constants

_PURGEABLE = f"""
SELECT video_id FROM videos WHERE deleted_at <= %(before)s AND {IN_SCOPE} ORDER BY deleted_at LIMIT %(at_most)s
"""  # noqa: S608 - a constant

_LAST_ATTEMPT = "SELECT last_attempt FROM tombstones WHERE video_id = %(video_id)s"

_KEPT = "interval '30 days'"
# Some at a time: a backlog that took longer than a statement may would never be removed.
_CLEAN = tuple(
    f"DELETE FROM {table} WHERE {key} IN "  # noqa: S608 - constants
    f"(SELECT {key} FROM {table} WHERE {age} < clock_timestamp() - {_KEPT} LIMIT %(at_most)s)"
    for table, key, age in (("tombstones", "video_id", "purged_at"), ("notifications", "notification_id", "created_at"))
)

# By the clock that a restore is measured with: the video cannot be restored from now on, whatever ours says.
_BEGIN_PURGE = f"""
UPDATE videos SET deleted_at = least(deleted_at, clock_timestamp() - %(grace)s)
WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed_revision)s AND deleted
RETURNING {VIDEO}
"""  # noqa: S608 - a constant


class Retention:
    """Retires and purges videos. Every method raises UnavailableError."""

    def __init__(self, database: Database, scope: RegionScope = EVERYWHERE) -> None:
        self._database = database
        self._scope = scope_parameters(scope)

    def retire(self, row: VideoRow) -> VideoRow | None:
        """Mark that the resource may leave Kubernetes; None if the row changed in the meantime."""
        with self._database.connection() as connection:
            return fetch_video(connection, _RETIRE, _at(row))

    def expired(self, *, files_before: datetime, rows_before: datetime, at_most: int) -> list[str]:
        """Return failed uploads whose file, or which themselves, have been kept since then; in no order."""
        parameters = {"files_before": files_before, "rows_before": rows_before, "at_most": at_most, **self._scope}
        with self._database.connection() as connection:
            rows = connection.execute(_EXPIRED, parameters).fetchall()
        return [columns["video_id"] for columns in rows]

    def expire(self, row: VideoRow, *, after: timedelta) -> VideoRow | None:
        """Mark an upload that failed so long ago as deleted; None if the row changed, or Postgres' clock disagrees."""
        parameters = {**_at(row), "after": after, "cause": Cause.SWEEP, "said": events.EXPIRED}
        with self._database.connection() as connection:
            return fetch_video(connection, _EXPIRE, parameters)

    def begin_purge(self, row: VideoRow, *, grace: timedelta) -> VideoRow | None:
        """Make sure that a deleted row cannot be restored any more; None if the row changed in the meantime."""
        with self._database.connection() as connection:
            return fetch_video(connection, _BEGIN_PURGE, {**_at(row), "grace": grace})

    def purge(self, row: VideoRow) -> bool:
        """Remove a deleted row and its dependent rows, leave a tombstone; False if the row has changed."""
        with self._database.connection() as connection:
            return connection.execute(_PURGE, _at(row)).rowcount == 1

    def purgeable(self, *, before: datetime, at_most: int) -> list[str]:
        """Return the videos deleted before then, oldest first."""
        with self._database.connection() as connection:
            rows = connection.execute(_PURGEABLE, {"before": before, "at_most": at_most, **self._scope}).fetchall()
        return [columns["video_id"] for columns in rows]

    def last_attempt(self, video_id: str) -> int | None:
        """Return the newest attempt of a purged video; None if it has no tombstone."""
        with self._database.connection() as connection:
            tombstone = connection.execute(_LAST_ATTEMPT, {"video_id": video_id}).fetchone()
        return None if tombstone is None else tombstone["last_attempt"]

    def forget_old(self, *, at_most: int = 1_000) -> int:
        """Delete tombstones, and notifications with their deliveries, after 30 days; returns how many.

        At most ``at_most`` of each; call again for the rest.
        """
        with self._database.connection() as connection:
            return sum(connection.execute(statement, {"at_most": at_most}).rowcount for statement in _CLEAN)


def _at(row: VideoRow) -> dict[str, object]:
    return {
        "video_id": row.desired.video_id,
        "revision": row.desired.revision,
        "observed_revision": row.observed.revision,
    }
