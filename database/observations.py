"""The observed state of videos, written by the operator. It is committed here first; the resource's status is a copy.

A commit names the revisions of the desired and the observed state that it builds on. If either has changed, nothing
is written and the pass is dropped: the next one starts from the newer row.
"""

from datetime import datetime

from database import attempts, wakeups
from database.columns import SELECT_VIDEO, SET_OBSERVED, VIDEO, fetch_video, observed_parameters
from database.events import append_event, message_of
from database.notifications import tell_owner
from database.pool import Database
from database.regions import IN_SCOPE, about_a_video_in_scope, scope_parameters
from domain.records import AttemptChange, Cause, Settle, VideoRow, WorkingRow
from domain.regions import EVERYWHERE, RegionScope
from domain.spending import SubmissionLoad, WaitingUpload, start_of_day
from domain.video import WAITING_FOR_A_PLACE, ObservedState, Origin, Phase

_COMMIT = f"""
UPDATE videos SET {SET_OBSERVED}
WHERE video_id = %(video_id)s AND observed_revision = %(before)s
  AND (revision = %(desired_revision)s OR %(is_settlement)s)
RETURNING {VIDEO}, {wakeups.ANNOUNCE}
"""  # noqa: S608 - a constant

# As `VideoRow.counted_owner`.
_COUNTED_OWNER = "CASE WHEN origin = 'api' AND rollout_edition IS DISTINCT FROM observed_edition THEN owner END"

# No pass checks the job of a deleted or paused video, so its slot would never be released.
_RUNNING = f"""
SELECT {_COUNTED_OWNER} AS owner, count(*) AS running FROM videos
WHERE phase = 'processing' AND NOT deleted AND deadline_at > clock_timestamp() AND {IN_SCOPE} GROUP BY 1
"""  # noqa: S608 - a constant

# A video outlives the day of its last attempt.
_SUBMITTED = f"""
SELECT owner, count(*) AS submitted, sum(minutes) AS minutes FROM attempts
WHERE intended_at >= %(day)s AND state <> 'refused' AND {about_a_video_in_scope("attempts.video_id")} GROUP BY owner
"""  # noqa: S608 - a constant

# Of each owner at most as many as may run at once: a thousand uploads of one owner must not hide those of others.
_WAITING = f"""
SELECT video_id, owner, since, is_last FROM (
    SELECT video_id, {_COUNTED_OWNER} AS owner, phase_since AS since,
           rollout_edition IS NOT DISTINCT FROM observed_edition AS is_last,
           row_number() OVER (PARTITION BY {_COUNTED_OWNER} ORDER BY phase_since, video_id) AS place
    FROM videos WHERE phase = 'uploaded' AND NOT deleted AND NOT is_paused AND reason = ANY(%(reasons)s)
      AND {IN_SCOPE}
) AS waiting
WHERE owner IS NULL OR place <= %(per_owner)s ORDER BY is_last, since, video_id LIMIT %(at_most)s
"""  # noqa: S608 - a constant

_WORKING = f"""
SELECT video_id, origin, revision, observed_revision, phase, phase_since, deleted_at,
       NOT deleted AND ((edition, retries) > (observed_edition, observed_retries) AND NOT is_paused
           OR is_playable AND captions IS DISTINCT FROM captions_published -> 'captions'
           OR is_playable AND captions -> 'tracks' <> '[]'
              AND (captions_published ->> 'attempt')::integer IS DISTINCT FROM (published ->> 'attempt')::integer
           OR is_playable AND poster IS DISTINCT FROM poster_published
           OR phase IN ('ready', 'errored')
              AND (is_relocating OR attempt > 0 AND is_private <> (visibility = 'private')))
       AS is_behind, deletion_policy = 'retain' AND is_playable AS is_retained
FROM videos WHERE NOT retired AND video_id > %(after)s AND {IN_SCOPE} ORDER BY video_id LIMIT %(at_most)s
"""  # noqa: S608 - a constant


class Observations:
    """The observations of all videos."""

    def __init__(self, database: Database, scope: RegionScope = EVERYWHERE) -> None:
        self._database = database
        self._scope = scope_parameters(scope)

    def commit(
        self, before: VideoRow, after: ObservedState, *, cause: Cause, attempt: AttemptChange | None = None
    ) -> VideoRow | None:
        """Replace the observation in ``before`` by ``after``, with its history and attempt, in one transaction.

        Returns the new row, or None if the row changed in the meantime and nothing was written.
        Raises UnavailableError; then the commit may or may not have happened.
        """
        parameters = {
            **observed_parameters(after),
            "observed_revision": before.observed.revision + 1,
            "video_id": before.desired.video_id,
            "before": before.observed.revision,
            "desired_revision": before.desired.revision,
            # The outcome of a paid job must not be lost, even if the desired state has changed in the meantime.
            "is_settlement": isinstance(attempt, Settle),
        }
        try:
            with self._database.transaction() as connection:
                row = fetch_video(connection, _COMMIT, parameters)
                if row is None:
                    return None
                if attempt is not None:
                    attempts.write(connection, row.desired.video_id, attempt)
                if is_transition(before.observed, row.observed):
                    append_event(connection, row, cause, message_of(before.observed, row.observed))
                if row.observed.phase is not before.observed.phase:
                    tell_owner(connection, row)
                return row
        except attempts.AlreadyTakenError:
            return None

    def get(self, video_id: str) -> VideoRow | None:
        """Return one row. Raises UnavailableError."""
        with self._database.connection() as connection:
            return fetch_video(connection, SELECT_VIDEO, {"video_id": video_id})

    def submission_load(self, now: datetime, *, per_owner: int, at_most: int) -> SubmissionLoad:
        """Return what runs, what was submitted on the day of ``now``, and what waits. Raises UnavailableError.

        At most ``at_most`` of the waiting uploads, and of each owner ``per_owner``.
        """
        reasons = [str(reason) for reason in WAITING_FOR_A_PLACE]
        with self._database.connection() as connection:
            running = connection.execute(_RUNNING, self._scope).fetchall()
            submitted = connection.execute(_SUBMITTED, {"day": start_of_day(now), **self._scope}).fetchall()
            waiting = connection.execute(
                _WAITING, {"reasons": reasons, "per_owner": per_owner, "at_most": at_most, **self._scope}
            ).fetchall()
        return SubmissionLoad(
            running={columns["owner"]: columns["running"] for columns in running},
            submitted={columns["owner"]: columns["submitted"] for columns in submitted},
            minutes=sum(columns["minutes"] for columns in submitted),
            waiting=tuple(WaitingUpload(**columns) for columns in waiting),
        )

    def working(self, *, after: str, at_most: int) -> list[WorkingRow]:
        """Return a page of the rows that should have a resource, in order of id. Raises UnavailableError."""
        with self._database.connection() as connection:
            rows = connection.execute(_WORKING, {"after": after, "at_most": at_most, **self._scope}).fetchall()
        enums = [{"origin": Origin(columns["origin"]), "phase": Phase(columns["phase"])} for columns in rows]
        return [WorkingRow(**{**columns, **parsed}) for columns, parsed in zip(rows, enums, strict=True)]


def is_transition(before: ObservedState, after: ObservedState) -> bool:
    """Return whether an observation belongs in the history; progress alone does not."""
    return _transition_fields(before) != _transition_fields(after)


def _transition_fields(observed: ObservedState) -> tuple[object, ...]:
    return (
        observed.phase,
        observed.reason,
        observed.attempt,
        observed.message,
        observed.is_paused,
        observed.is_playable,
        observed.attempt_floor,
        observed.hindrance,
        observed.is_private,
        observed.is_relocating,
    )
