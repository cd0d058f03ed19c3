"""Paid attempts. An intent is written together with the observation that made it (database/observations.py)."""

from datetime import datetime

import psycopg

from database import locks
from database.columns import attempt_row
from database.pool import Connection, Database
from domain.records import AttemptChange, AttemptRow, Settle
from domain.spending import start_of_day

_SINCE = """
SELECT video_id, attempt, edition, state, job_id, intended_at, settled_at, answer
FROM attempts WHERE video_id = %(video_id)s AND attempt > %(floor)s ORDER BY attempt
"""

_LAST_ACCEPTED = """
SELECT intended_at FROM attempts
WHERE state IN ('accepted', 'completed', 'failed')
  AND (%(before)s::timestamptz IS NULL OR intended_at < %(before)s)
ORDER BY intended_at DESC LIMIT 1
"""

# The primary key is the fence: a second operator that intends the same attempt stops here, before it pays.
# An attempt that certainly led to no job may be intended again: an outage uses up no numbers and no day's limit.
_INTEND = """
INSERT INTO attempts (video_id, attempt, edition, state, intended_at, owner, minutes)
SELECT %(video_id)s, %(attempt)s, %(edition)s, 'intended', %(at)s, %(owner)s, %(minutes)s
WHERE (%(owner)s::text IS NULL
       OR (SELECT count(*) FROM attempts
           WHERE owner = %(owner)s AND intended_at >= %(day)s AND state <> 'refused') < %(submissions_per_owner)s)
  AND (%(minutes_per_day)s::float = 0
       OR (SELECT coalesce(sum(minutes), 0) FROM attempts
           WHERE intended_at >= %(day)s AND state <> 'refused') + %(minutes)s <= %(minutes_per_day)s)
ON CONFLICT (video_id, attempt) DO UPDATE SET state = 'intended', intended_at = excluded.intended_at, settled_at = NULL,
                                              owner = excluded.owner, minutes = excluded.minutes
WHERE attempts.state = 'refused'
"""

_IS_OPEN = "SELECT FROM attempts WHERE video_id = %(video_id)s AND attempt = %(attempt)s AND state = 'intended'"

_SETTLE = """
UPDATE attempts SET state = %(state)s, job_id = coalesce(%(job_id)s, job_id), settled_at = %(at)s,
                    answer = coalesce(%(answer)s, answer),
                    owner = CASE WHEN %(is_charged)s THEN owner END,
                    minutes = CASE WHEN %(is_charged)s THEN coalesce(%(minutes)s, minutes) ELSE 0 END
WHERE video_id = %(video_id)s AND attempt = %(attempt)s
"""


class AlreadyTakenError(Exception):
    """Another operator intended the attempt, the job belongs to another attempt, or a limit is reached."""


def write(connection: Connection, video_id: str, change: AttemptChange) -> None:
    """Apply one change. Raises AlreadyTakenError; the transaction must then be rolled back."""
    try:
        written = connection.execute(*_statement(connection, video_id, change))
    except psycopg.errors.UniqueViolation as error:
        raise AlreadyTakenError(f"job {change!r}") from error
    if written.rowcount == 0:
        raise AlreadyTakenError(f"attempt {change.attempt}")


def _statement(connection: Connection, video_id: str, change: AttemptChange) -> tuple[str, dict[str, object]]:
    if isinstance(change, Settle):
        return _SETTLE, {"video_id": video_id, **vars(change)}
    # Two passes must not both find the last place of a day: each counts after the other's transaction has ended.
    locks.lock_submissions(connection)
    counted = {**vars(change), **vars(change.limits), "day": start_of_day(change.at)}
    del counted["limits"]
    return _INTEND, {"video_id": video_id, **counted}


class Attempts:
    """Reads attempts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_open(self, video_id: str, attempt: int) -> bool:
        """Return whether an intent still stands. Raises UnavailableError.

        Another operator may have resolved it while this machine was paused, which no clock of this machine shows.
        """
        with self._database.connection() as connection:
            cursor = connection.execute(_IS_OPEN, {"video_id": video_id, "attempt": attempt})
            return cursor.fetchone() is not None

    def since(self, video_id: str, *, floor: int) -> list[AttemptRow]:
        """Return the attempts numbered above ``floor``, oldest first. Raises UnavailableError."""
        with self._database.connection() as connection:
            rows = connection.execute(_SINCE, {"video_id": video_id, "floor": floor}).fetchall()
        return [attempt_row(columns) for columns in rows]

    def last_accepted_at(self, *, before: datetime | None = None) -> datetime | None:
        """Return when the newest submission of any video, before a time if given, was made that led to a job.

        Raises UnavailableError.
        """
        with self._database.connection() as connection:
            found = connection.execute(_LAST_ACCEPTED, {"before": before}).fetchone()
        return None if found is None else found["intended_at"]
