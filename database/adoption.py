"""What rows learn from resources: Postgres came back from an older dump, or the wish is not ours but a resource's.

What is to be learnt is decided in controller/rules/adoption.py. Everything that one resource teaches is one
transaction, on condition that neither half of the row moved; nothing on record is ever lowered.
"""

from collections.abc import Sequence
from datetime import datetime

from database.columns import SET_OBSERVED, VIDEO, desired_columns, observed_columns, video_row
from database.events import append_event
from database.notifications import tell_owner
from database.pool import Connection, Database
from domain.records import AttemptState, Cause, VideoRow
from domain.video import DesiredState, ObservedState, Phase

_ADOPT = f"""
INSERT INTO videos (
    video_id, created_at, revision, origin, owner, title, filename, content_type, declared_bytes, upload_mode, region,
    storage_key, profile, edition, retries, confirmations, deleted, deleted_at,
    observed_revision, phase, phase_since, reason, message, deadline_at, observed_edition, observed_retries, attempt,
    attempt_floor, confirmations_floor, job_id, progress_percent, progress_at, rejections, rejected, source,
    published, is_playable, failure, is_paused, retry_token)
SELECT
    %(video_id)s, coalesce(%(created_at)s, clock_timestamp()), %(revision)s, %(origin)s, %(owner)s, %(title)s,
    %(filename)s, %(content_type)s, %(declared_bytes)s, %(upload_mode)s, %(region)s, %(storage_key)s, %(profile)s,
    %(edition)s, %(retries)s, %(confirmations)s, %(deleted)s, CASE WHEN %(deleted)s THEN clock_timestamp() END,
    %(observed_revision)s, %(phase)s, %(phase_since)s, %(reason)s, %(message)s, %(deadline_at)s, %(observed_edition)s,
    %(observed_retries)s, %(attempt)s, %(attempt_floor)s, %(confirmations_floor)s, %(job_id)s, %(progress_percent)s,
    %(progress_at)s, %(rejections)s, %(rejected)s, %(source)s, %(published)s, %(is_playable)s, %(failure)s,
    %(is_paused)s, %(retry_token)s
-- A purged video stays gone; an import of its name goes on counting where it ended.
WHERE NOT EXISTS (SELECT FROM tombstones
                  WHERE video_id = %(video_id)s AND (%(origin)s = 'api' OR last_attempt > %(attempt)s))
ON CONFLICT (video_id) DO NOTHING
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_LEARN = f"""
UPDATE videos SET
    revision = %(revision)s, owner = %(owner)s, title = %(title)s, filename = %(filename)s,
    content_type = %(content_type)s, declared_bytes = %(declared_bytes)s, upload_mode = %(upload_mode)s,
    profile = %(profile)s, edition = %(edition)s, retries = %(retries)s, confirmations = %(confirmations)s,
    deleted = %(deleted)s, deleted_at = CASE WHEN %(deleted)s THEN coalesce(deleted_at, clock_timestamp()) END,
    retired = false, {SET_OBSERVED}
WHERE video_id = %(video_id)s AND revision = %(desired_before)s AND observed_revision = %(observed_before)s
  AND revision <= %(revision)s AND observed_revision <= %(observed_revision)s AND attempt <= %(attempt)s
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

# Whatever became of them, they count as paid: a later number is never reached before the last one cost something.
_OLDER_ATTEMPTS = """
INSERT INTO attempts AS known (video_id, attempt, edition, state, intended_at, settled_at, answer)
SELECT %(video_id)s, number, %(edition)s, 'failed', %(at)s, %(at)s, 'learnt from the resource'
FROM generate_series(1, %(attempt)s - 1) AS number
ON CONFLICT (video_id, attempt) DO UPDATE SET state = 'failed', settled_at = excluded.settled_at
WHERE known.state = 'refused'
"""

# From what says least to what says most. Only a state that says more replaces the one on record.
_STATE_CERTAINTY = (
    AttemptState.REFUSED,
    AttemptState.INTENDED,
    AttemptState.UNCERTAIN,
    AttemptState.ABANDONED,
    AttemptState.ACCEPTED,
    AttemptState.FAILED,
    AttemptState.COMPLETED,
)

# The window to resolve an uncertain submission begins at `intended_at`: nobody could have resolved it before now.
_NEWEST_ATTEMPT = """
INSERT INTO attempts AS known (video_id, attempt, edition, state, job_id, intended_at, settled_at)
VALUES (%(video_id)s, %(attempt)s, %(edition)s, %(state)s, %(job_id)s, %(at)s, %(at)s)
ON CONFLICT (video_id, attempt) DO UPDATE SET
    state = excluded.state, job_id = coalesce(known.job_id, excluded.job_id), intended_at = excluded.intended_at,
    settled_at = excluded.settled_at
WHERE array_position(%(knowing)s::text[], known.state) < array_position(%(knowing)s::text[], excluded.state)
"""

_ROWS_OF = f"SELECT {VIDEO} FROM videos WHERE video_id = ANY(%(names)s)"  # noqa: S608 - a constant


class Adoption:
    """Rows as resources teach them. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows_of(self, names: Sequence[str]) -> list[VideoRow]:
        """Return the rows that there are of these names."""
        with self._database.connection() as connection:
            found = connection.execute(_ROWS_OF, {"names": list(names)}).fetchall()
        return [video_row(columns) for columns in found]

    def adopt(
        self, desired: DesiredState, observed: ObservedState, *, created_at: datetime | None, at: datetime
    ) -> VideoRow | None:
        """Insert a row that is not there, with the attempts that the observation tells of.

        ``created_at``: None means now. Returns None when there is a row meanwhile, or a tombstone that forbids it.
        """
        parameters = {**desired_columns(desired), **observed_columns(observed), "created_at": created_at}
        with self._database.transaction() as connection:
            inserted = connection.execute(_ADOPT, parameters).fetchone()
            if inserted is None:
                return None
            row = video_row(inserted)
            _record(connection, row, at)
            return row

    def learn(
        self,
        before: VideoRow,
        *,
        desired: DesiredState | None = None,
        observed: ObservedState | None = None,
        at: datetime,
    ) -> VideoRow | None:
        """Replace the wish, the observation or both by newer ones; what the observation tells goes on record with it.

        Returns None when the row moved meanwhile, or knows more than it is taught.
        """
        parameters = {
            **desired_columns(desired or before.desired),
            **observed_columns(observed or before.observed),
            "desired_before": before.desired.revision,
            "observed_before": before.observed.revision,
        }
        with self._database.transaction() as connection:
            written = connection.execute(_LEARN, parameters).fetchone()
            if written is None:
                return None
            row = video_row(written)
            if observed is not None:
                _record(connection, row, at, before)
            return row


def _record(connection: Connection, row: VideoRow, at: datetime, before: VideoRow | None = None) -> None:
    """Write what else follows from an observation that was learnt: attempts, history, and what the owner is told."""
    observed = row.observed
    if observed.attempt > 0:
        parameters = {
            "video_id": row.desired.video_id,
            "attempt": observed.attempt,
            "edition": observed.edition,
            "state": newest_state(observed),
            "job_id": observed.job_id,
            "knowing": list(_STATE_CERTAINTY),
            "at": at,
        }
        connection.execute(_OLDER_ATTEMPTS, parameters)
        connection.execute(_NEWEST_ATTEMPT, parameters)
    append_event(connection, row, Cause.SWEEP)
    if before is None or before.observed.phase is not observed.phase:
        tell_owner(connection, row)


def newest_state(observed: ObservedState) -> AttemptState:
    """Return what an observation tells of its newest attempt."""
    published = observed.published
    if published is not None and published.attempt == observed.attempt:
        return AttemptState.COMPLETED
    if observed.attempt <= observed.attempt_floor or observed.phase is Phase.ERRORED:
        return AttemptState.FAILED
    if observed.phase is Phase.PROCESSING:
        return AttemptState.ACCEPTED
    # A job that was given up leaves its id behind; without one, a submission may have led to a job or not.
    return AttemptState.UNCERTAIN if observed.job_id is None else AttemptState.FAILED


def says_more(state: AttemptState, known: AttemptState) -> bool:
    """Tell whether one state says more of an attempt than another."""
    return _STATE_CERTAINTY.index(state) > _STATE_CERTAINTY.index(known)
