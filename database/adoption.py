"""Rows restored from resources: after Postgres was restored from an older dump, or for imports.

controller/rules/adoption.py decides what to restore. All changes from one resource are one transaction, which requires
that neither state of the row has changed; no stored number is ever lowered.
"""

from collections.abc import Sequence
from datetime import datetime

from database import wakeups
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
from database.events import append_deletion, append_event
from database.notifications import tell_owner
from database.pool import Connection, Database
from domain.records import AttemptState, Cause, VideoRow
from domain.video import DesiredState, ObservedState, Phase

_ADOPT = f"""
INSERT INTO videos (created_at, deleted_at, {STATE_COLUMNS})
SELECT coalesce(%(created_at)s, clock_timestamp()), CASE WHEN %(deleted)s THEN clock_timestamp() END, {STATE_VALUES}
-- A purged video stays gone; an import of the same name continues its attempt numbers.
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
RETURNING {VIDEO}, {wakeups.ANNOUNCE}
"""  # noqa: S608 - a constant

# Whatever their outcome, they count as paid: a new number is only used after the previous attempt may have cost money.
_OLDER_ATTEMPTS = """
INSERT INTO attempts AS stored (video_id, attempt, edition, state, intended_at, settled_at, answer)
SELECT %(video_id)s, number, %(edition)s, 'failed', %(at)s, %(at)s, 'restored from the resource'
FROM generate_series(1, %(attempt)s - 1) AS number
ON CONFLICT (video_id, attempt) DO UPDATE SET state = 'failed', settled_at = excluded.settled_at
WHERE stored.state = 'refused'
"""

# From least to most certain. Only a more certain state replaces the stored one.
STATE_CERTAINTY = (
    AttemptState.REFUSED,
    AttemptState.INTENDED,
    AttemptState.UNCERTAIN,
    AttemptState.ABANDONED,
    AttemptState.ACCEPTED,
    AttemptState.FAILED,
    AttemptState.COMPLETED,
)

# The window to resolve an uncertain submission begins at `intended_at`: it could not have been resolved before now.
_NEWEST_ATTEMPT = """
INSERT INTO attempts AS stored (video_id, attempt, edition, state, job_id, intended_at, settled_at)
VALUES (%(video_id)s, %(attempt)s, %(edition)s, %(state)s, %(job_id)s, %(at)s, %(at)s)
ON CONFLICT (video_id, attempt) DO UPDATE SET
    state = excluded.state, job_id = coalesce(stored.job_id, excluded.job_id), intended_at = excluded.intended_at,
    settled_at = excluded.settled_at
WHERE array_position(%(certainty)s::text[], stored.state) < array_position(%(certainty)s::text[], excluded.state)
"""

_ROWS_OF = f"SELECT {VIDEO} FROM videos WHERE video_id = ANY(%(names)s)"  # noqa: S608 - a constant


class Adoption:
    """Restores rows from resources. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows_of(self, names: Sequence[str]) -> list[VideoRow]:
        """Return the existing rows among these names."""
        with self._database.connection() as connection:
            return fetch_videos(connection, _ROWS_OF, {"names": list(names)})

    def adopt(
        self, desired: DesiredState, observed: ObservedState, *, created_at: datetime | None, at: datetime
    ) -> VideoRow | None:
        """Insert a missing row, with the attempts that the observation implies.

        ``created_at``: None means now. Returns None if the row exists by now, or a tombstone forbids it.
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
        """Replace the desired state, the observed state or both by newer ones, with the attempts and history implied.

        Returns None if the row changed in the meantime, or is already newer.
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
            if row.desired.deleted != before.desired.deleted:
                append_deletion(connection, row, Cause.SWEEP)
            return row


def _record(connection: Connection, row: VideoRow, at: datetime, before: VideoRow | None = None) -> None:
    """Write what follows from a restored observation: attempts, history and the owner's notification."""
    observed = row.observed
    if observed.attempt > 0:
        parameters = {
            "video_id": row.desired.video_id,
            "attempt": observed.attempt,
            "edition": observed.edition,
            "state": newest_state(observed),
            "job_id": observed.job_id,
            "certainty": list(STATE_CERTAINTY),
            "at": at,
        }
        connection.execute(_OLDER_ATTEMPTS, parameters)
        connection.execute(_NEWEST_ATTEMPT, parameters)
    append_event(connection, row, Cause.SWEEP)
    if before is None or before.observed.phase is not observed.phase:
        tell_owner(connection, row)


def newest_state(observed: ObservedState) -> AttemptState:
    """Return the state of the newest attempt that an observation implies."""
    published = observed.published
    if published is not None and published.attempt == observed.attempt:
        return AttemptState.COMPLETED
    if observed.attempt <= observed.attempt_floor or observed.phase is Phase.ERRORED:
        return AttemptState.FAILED
    if observed.phase is Phase.PROCESSING:
        return AttemptState.ACCEPTED
    # An abandoned job leaves its id behind; without an id, the submission may or may not have led to a job.
    return AttemptState.UNCERTAIN if observed.job_id is None else AttemptState.FAILED
