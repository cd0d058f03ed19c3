"""What rows learn from resources: Postgres came back from an older dump, or the wish is not ours but a resource's.

What is to be learnt is decided in controller/rules/adoption.py. Everything that one resource teaches is one
transaction, on condition that neither half of the row moved; nothing on record is ever lowered.
"""

from collections.abc import Sequence
from datetime import datetime

from database.columns import (
    SET_DESIRED,
    SET_OBSERVED,
    STATE_COLUMNS,
    STATE_VALUES,
    VIDEO,
    desired_parameters,
    fetch_video,
    fetch_videos,
    observed_parameters,
)
from database.events import append_event
from database.notifications import tell_owner
from database.pool import Connection, Database
from domain.records import AttemptState, Cause, VideoRow
from domain.video import DesiredState, ObservedState, Phase

_ADOPT = f"""
INSERT INTO videos (created_at, deleted_at, {STATE_COLUMNS})
SELECT coalesce(%(created_at)s, clock_timestamp()), CASE WHEN %(deleted)s THEN clock_timestamp() END, {STATE_VALUES}
-- A purged video stays gone; an import of its name goes on counting where it ended.
WHERE NOT EXISTS (SELECT FROM tombstones
                  WHERE video_id = %(video_id)s AND (%(origin)s = 'api' OR last_attempt > %(attempt)s))
ON CONFLICT (video_id) DO NOTHING
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_LEARN = f"""
UPDATE videos SET
    deleted_at = CASE WHEN %(deleted)s THEN coalesce(deleted_at, clock_timestamp()) END, retired = false,
    {SET_DESIRED}, {SET_OBSERVED}
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
STATE_CERTAINTY = (
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
            return fetch_videos(connection, _ROWS_OF, {"names": list(names)})

    def adopt(
        self, desired: DesiredState, observed: ObservedState, *, created_at: datetime | None, at: datetime
    ) -> VideoRow | None:
        """Insert a row that is not there, with the attempts that the observation tells of.

        ``created_at``: None means now. Returns None when there is a row meanwhile, or a tombstone that forbids it.
        """
        parameters = {**desired_parameters(desired), **observed_parameters(observed), "created_at": created_at}
        with self._database.transaction() as connection:
            row = fetch_video(connection, _ADOPT, parameters)
            if row is None:
                return None
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
            **desired_parameters(desired or before.desired),
            **observed_parameters(observed or before.observed),
            "desired_before": before.desired.revision,
            "observed_before": before.observed.revision,
        }
        with self._database.transaction() as connection:
            row = fetch_video(connection, _LEARN, parameters)
            if row is None:
                return None
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
            "knowing": list(STATE_CERTAINTY),
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
