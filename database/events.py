"""The history of a video: one line for each transition, with what caused it. The newest 1,000 stay."""

from database.columns import event_row
from database.pool import Connection, Database
from domain.records import Cause, EventRow, VideoRow

# A video has a few dozen transitions; the limit is for one that is retried again and again.
_AT_MOST = 1_000

# The oldest line makes room for the new one.
_APPEND = """
WITH outdated AS (
    DELETE FROM video_events WHERE video_id = %(video_id)s AND observed_revision <= (
        SELECT observed_revision FROM video_events WHERE video_id = %(video_id)s
        ORDER BY observed_revision DESC OFFSET %(at_most)s - 1 LIMIT 1
    )
)
INSERT INTO video_events (video_id, observed_revision, at, cause, phase, reason, message, attempt)
VALUES (%(video_id)s, %(observed_revision)s, clock_timestamp(), %(cause)s, %(phase)s, %(reason)s, %(message)s,
        %(attempt)s)
"""

_OF_VIDEO = """
SELECT video_id, observed_revision, at, cause, phase, reason, message, attempt
FROM video_events WHERE video_id = %(video_id)s ORDER BY observed_revision DESC LIMIT %(at_most)s
"""


def append_event(connection: Connection, row: VideoRow, cause: Cause) -> None:
    """Write the line for the observation that ``row`` now holds, in the transaction that stored it."""
    connection.execute(
        _APPEND,
        {
            "video_id": row.desired.video_id,
            "observed_revision": row.observed.revision,
            "cause": cause,
            "phase": row.observed.phase,
            "reason": row.observed.reason,
            "message": row.observed.message,
            "attempt": row.observed.attempt,
            "at_most": _AT_MOST,
        },
    )


class EventLog:
    """Reads the history."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_video(self, video_id: str, *, at_most: int = _AT_MOST) -> list[EventRow]:
        """Return the newest lines, oldest first. Raises UnavailableError."""
        with self._database.connection() as connection:
            rows = connection.execute(_OF_VIDEO, {"video_id": video_id, "at_most": at_most}).fetchall()
        return [event_row(columns) for columns in reversed(rows)]
