"""Paid attempts. An intent is written together with the observation that made it (database/observations.py)."""

import psycopg

from database.columns import attempt_row
from database.pool import Connection, Database
from domain.records import AttemptChange, AttemptRow, Intend

_SINCE = """
SELECT video_id, attempt, edition, state, job_id, intended_at, settled_at, answer
FROM attempts WHERE video_id = %(video_id)s AND attempt > %(floor)s ORDER BY attempt
"""

# The primary key is the fence: a second operator that intends the same attempt stops here, before it pays.
# An attempt that certainly led to no job may be intended again: an outage uses up no numbers.
_INTEND = """
INSERT INTO attempts (video_id, attempt, edition, state, intended_at)
VALUES (%(video_id)s, %(attempt)s, %(edition)s, 'intended', %(at)s)
ON CONFLICT (video_id, attempt) DO UPDATE SET state = 'intended', intended_at = excluded.intended_at, settled_at = NULL
WHERE attempts.state = 'refused'
"""

_SETTLE = """
UPDATE attempts SET state = %(state)s, job_id = coalesce(%(job_id)s, job_id), settled_at = %(at)s,
                    answer = coalesce(%(answer)s, answer)
WHERE video_id = %(video_id)s AND attempt = %(attempt)s
"""


class AlreadyTakenError(Exception):
    """Another operator intended the attempt, or the job belongs to another attempt."""


def write(connection: Connection, video_id: str, change: AttemptChange) -> None:
    """Apply one change. Raises AlreadyTakenError; the transaction must then be rolled back."""
    statement = _INTEND if isinstance(change, Intend) else _SETTLE
    try:
        written = connection.execute(statement, {"video_id": video_id, **vars(change)})
    except psycopg.errors.UniqueViolation as error:
        raise AlreadyTakenError(f"job {change!r}") from error
    if written.rowcount == 0:
        raise AlreadyTakenError(f"attempt {change.attempt}")


class Attempts:
    """Reads attempts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, video_id: str, *, floor: int) -> list[AttemptRow]:
        """Return the attempts numbered above ``floor``, oldest first. Raises UnavailableError."""
        with self._database.connection() as connection:
            rows = connection.execute(_SINCE, {"video_id": video_id, "floor": floor}).fetchall()
        return [attempt_row(columns) for columns in rows]
