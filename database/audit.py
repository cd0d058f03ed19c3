"""Statements of the audit: rows to compare with the bucket, duplicate jobs, and the quarantine.

controller/audit/ decides what follows from a comparison. The only desired state that changes here is the edition of a
video that lost its published files.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from psycopg.rows import tuple_row

from database import wakeups
from database.columns import VIDEO, fetch_video, video_row
from database.pool import Database
from database.regions import IN_SCOPE, scope_parameters
from domain.audit_records import AuditedRow, DoubledJob, OverdueRow, QuarantinedObject, UncertainSubmission
from domain.records import Cause, VideoRow
from domain.regions import EVERYWHERE, RegionScope
from domain.video import Phase

_AUDITED = f"""
SELECT {VIDEO}, videos.heals, attempts.settled_at AS published_at
FROM videos LEFT JOIN attempts ON attempts.video_id = videos.video_id
    AND attempts.attempt = (videos.published ->> 'attempt')::integer
"""  # noqa: S608 - a constant
# Postgres compares both ends, because it also sorts the rows.
_ALL = f"""{_AUDITED}
WHERE videos.video_id > %(after)s AND (%(until)s::text IS NULL OR videos.video_id <= %(until)s) AND {IN_SCOPE}
ORDER BY videos.video_id LIMIT %(at_most)s
"""
# Videos that can be played, and deleted ones, which must not be playable any more.
_WORKING = f"""{_AUDITED}
WHERE NOT videos.retired AND videos.published IS NOT NULL AND (videos.is_playable OR videos.deleted)
  AND videos.video_id > %(after)s AND {IN_SCOPE} ORDER BY videos.video_id LIMIT %(at_most)s
"""
_GET = f"{_AUDITED} WHERE videos.video_id = %(video_id)s"

_EXISTING = "SELECT video_id FROM videos WHERE video_id = ANY(%(video_ids)s)"

# Only at the revisions that the audit read: a newer desired or observed state takes precedence.
_HEAL = f"""
UPDATE videos SET edition = edition + 1, heals = heals + 1, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed_revision)s
  AND heals < %(max_heals)s AND origin = 'api' AND phase = 'ready' AND edition = observed_edition
  AND NOT deleted AND NOT is_paused
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

# No job is bought: a pass writes the files again, and then that they are there.
_FORGET = f"""
UPDATE videos SET {{column}} = DEFAULT, revision = revision + 1, retired = false
WHERE video_id = %(video_id)s AND revision = %(revision)s AND observed_revision = %(observed_revision)s
  AND origin = 'api' AND NOT deleted
RETURNING {VIDEO}
"""  # noqa: S608 - a constant
_FORGET_CAPTIONS = _FORGET.format(column="captions_published")
_FORGET_POSTER = _FORGET.format(column="poster_published")

# A job that is stored for any attempt is not a duplicate. While a submission is unresolved, a pass checks its claims.
_DOUBLED = """
SELECT claimed.video_id, claimed.attempt, claimed.job_id, made.job_id AS accepted_job_id
FROM job_claims AS claimed JOIN attempts AS made USING (video_id, attempt)
WHERE claimed.video_id = ANY(%(video_ids)s) AND claimed.claimed_at > %(since)s
  AND made.state NOT IN ('intended', 'uncertain')
  AND NOT EXISTS (SELECT FROM attempts AS other WHERE other.job_id = claimed.job_id)
ORDER BY claimed.video_id, claimed.attempt, claimed.claimed_at, claimed.job_id
"""

_UNCERTAIN = f"""
SELECT made.video_id, made.attempt, made.intended_at
FROM videos JOIN attempts AS made ON made.video_id = videos.video_id AND made.attempt = videos.attempt
WHERE NOT videos.retired AND videos.phase = 'uploaded'
  AND (made.state = 'uncertain' OR made.state = 'intended' AND made.intended_at < %(before)s)
  AND {IN_SCOPE}
ORDER BY made.intended_at LIMIT %(at_most)s
"""  # noqa: S608 - a constant

_OVERDUE = f"""
SELECT video_id, phase, deadline_at FROM videos
WHERE NOT retired AND NOT deleted AND NOT is_paused AND deadline_at < %(before)s AND {IN_SCOPE}
ORDER BY deadline_at LIMIT %(at_most)s
"""  # noqa: S608 - a constant

_QUARANTINE = """
INSERT INTO quarantine (region, object_key, file_bytes)
SELECT %(region)s, unnest(%(object_keys)s::text[]), unnest(%(sizes)s::bigint[]) ON CONFLICT DO NOTHING
"""
_QUARANTINED_AMONG = "SELECT object_key FROM quarantine WHERE region = %(region)s AND object_key = ANY(%(object_keys)s)"
_QUARANTINED = """
SELECT object_key, file_bytes, found_at FROM quarantine
WHERE region = %(region)s AND object_key > %(after)s ORDER BY object_key LIMIT %(at_most)s
"""
_RELEASE = "DELETE FROM quarantine WHERE region = %(region)s AND object_key = ANY(%(object_keys)s)"


class AuditedRows:
    """All rows, as the audit compares them. Every method raises UnavailableError."""

    def __init__(self, database: Database, scope: RegionScope = EVERYWHERE) -> None:
        self._database = database
        self._scope = scope_parameters(scope)
        # Two buckets may have an object of the same name.
        self._quarantine = {"region": scope.quarantine}

    def all(self, *, after: str, until: str | None = None, at_most: int) -> list[AuditedRow]:
        """Return a page of all rows up to ``until``, in order of id."""
        return self._select(_ALL, {"after": after, "until": until, "at_most": at_most, **self._scope})

    def working(self, *, after: str, at_most: int) -> list[AuditedRow]:
        """Return a page of the working set's rows that have something published, in order of id."""
        return self._select(_WORKING, {"after": after, "at_most": at_most, **self._scope})

    def get(self, video_id: str) -> AuditedRow | None:
        """Return one row."""
        rows = self._select(_GET, {"video_id": video_id})
        return rows[0] if rows else None

    def existing(self, video_ids: Iterable[str]) -> set[str]:
        """Return those of the ids that have a row."""
        with self._database.connection() as connection:
            rows = connection.execute(_EXISTING, {"video_ids": _storable(video_ids)}).fetchall()
        return {columns["video_id"] for columns in rows}

    def heal(self, row: VideoRow, *, max_heals: int) -> VideoRow | None:
        """Request a new edition of a video that lost its files; None if the row changed or may not be healed."""
        parameters = {
            "video_id": row.desired.video_id,
            "revision": row.desired.revision,
            "observed_revision": row.observed.revision,
            "max_heals": max_heals,
        }
        with self._database.transaction() as connection:
            healed = fetch_video(connection, _HEAL, parameters)
            if healed is not None:
                wakeups.send(connection, wakeups.Wakeup(row.desired.video_id, Cause.SWEEP))
        return healed

    def forget_captions(self, row: VideoRow) -> VideoRow | None:
        """Record that the captions of a video are not published; None if the row changed."""
        return self._forget(_FORGET_CAPTIONS, row)

    def forget_poster(self, row: VideoRow) -> VideoRow | None:
        """Record that the poster that the owner chose is not published; None if the row changed."""
        return self._forget(_FORGET_POSTER, row)

    def _forget(self, statement: str, row: VideoRow) -> VideoRow | None:
        parameters = {
            "video_id": row.desired.video_id,
            "revision": row.desired.revision,
            "observed_revision": row.observed.revision,
        }
        with self._database.transaction() as connection:
            changed = fetch_video(connection, statement, parameters)
            if changed is not None:
                wakeups.send(connection, wakeups.Wakeup(row.desired.video_id, Cause.SWEEP))
        return changed

    def doubled(self, video_ids: Sequence[str], *, since: datetime) -> list[DoubledJob]:
        """Return the duplicate jobs of these videos that callbacks have named since then."""
        with self._database.connection() as connection:
            rows = connection.execute(_DOUBLED, {"video_ids": list(video_ids), "since": since}).fetchall()
        return [DoubledJob(**columns) for columns in rows]

    def uncertain(self, *, before: datetime, at_most: int) -> list[UncertainSubmission]:
        """Return the unresolved submissions, oldest first; those still intended only if made before ``before``."""
        with self._database.connection() as connection:
            rows = connection.execute(_UNCERTAIN, {"before": before, "at_most": at_most, **self._scope}).fetchall()
        return [UncertainSubmission(**columns) for columns in rows]

    def overdue(self, *, before: datetime, at_most: int) -> list[OverdueRow]:
        """Return the uploads that are not paused and whose deadline was before ``before``, longest overdue first."""
        with self._database.connection() as connection:
            rows = connection.execute(_OVERDUE, {"before": before, "at_most": at_most, **self._scope}).fetchall()
        return [OverdueRow(**{**columns, "phase": Phase(columns["phase"])}) for columns in rows]

    def quarantine(self, sizes: Mapping[str, int]) -> int:
        """Add objects to the quarantine (size in bytes by key); return how many are new, and leave the others as is."""
        object_keys = _storable(sizes)
        parameters = {"object_keys": object_keys, "sizes": [sizes[key] for key in object_keys], **self._quarantine}
        with self._database.connection() as connection:
            return connection.execute(_QUARANTINE, parameters).rowcount

    def quarantined_among(self, object_keys: Iterable[str]) -> set[str]:
        """Return those of the keys that are in the quarantine."""
        with self._database.connection() as connection:
            parameters = {"object_keys": _storable(object_keys), **self._quarantine}
            rows = connection.execute(_QUARANTINED_AMONG, parameters).fetchall()
        return {columns["object_key"] for columns in rows}

    def quarantined(self, *, after: str, at_most: int) -> list[QuarantinedObject]:
        """Return a page of the quarantine, in order of keys."""
        with self._database.connection() as connection:
            rows = connection.execute(_QUARANTINED, {"after": after, "at_most": at_most, **self._quarantine}).fetchall()
        return [QuarantinedObject(**columns) for columns in rows]

    def release(self, object_keys: Sequence[str]) -> int:
        """Remove objects from the quarantine and return how many were in it."""
        with self._database.connection() as connection:
            return connection.execute(_RELEASE, {"object_keys": list(object_keys), **self._quarantine}).rowcount

    def _select(self, statement: str, parameters: Mapping[str, object]) -> list[AuditedRow]:
        with self._database.connection() as connection:
            rows = connection.cursor(row_factory=tuple_row).execute(statement, parameters).fetchall()
        return [AuditedRow(video_row(video), heals, published_at) for *video, heals, published_at in rows]


def _storable(texts: Iterable[str]) -> list[str]:
    """Leave out what no row can hold: S3 takes a NUL in a key, Postgres takes none in a text."""
    return [text for text in texts if "\0" not in text]
