"""The history of a video: one line for each transition, deletion and restoration. The newest 1,000 stay.

The lines of the API's commands are written in database/commands.py.
"""

from database.columns import event_row
from database.pool import Connection, Database
from domain.messages import HINDRANCES
from domain.records import Cause, EventRow, VideoRow
from domain.video import ObservedState, Visibility

# A video has a few dozen transitions; the limit is for one that is retried again and again.
_AT_MOST = 1_000

# The messages of lines that no observation has words for.
DELETED, RESTORED = "the video was deleted", "the video was restored"
DESCRIBED = "the title or the metadata was changed"
_WANTED = {
    Visibility.PUBLIC: "the owner made the video public",
    Visibility.PRIVATE: "the owner made the video private",
}
EXPIRED = "the video was deleted: it failed long ago and was not retried"
PAUSED, RESUMED = "a person paused the video", "a person ended the pause"
RELOCATING = "its files are being moved, since who can play it was changed"
NOW_PRIVATE, NOW_PUBLIC = "the video is private from now on", "the video is public from now on"
RELOCATED = "no file is left where the video was before"

# The oldest line makes room for a new one.
DROP_OLDEST = f"""
DELETE FROM video_events WHERE video_id = %(video_id)s AND (observed_revision, desired_revision) <= (
    SELECT observed_revision, desired_revision FROM video_events WHERE video_id = %(video_id)s
    ORDER BY observed_revision DESC, desired_revision DESC OFFSET {_AT_MOST} - 1 LIMIT 1
)
"""  # noqa: S608 - a constant

_APPEND = f"""
WITH outdated AS ({DROP_OLDEST})
INSERT INTO video_events (video_id, observed_revision, desired_revision, at, cause, phase, reason, message, attempt)
VALUES (%(video_id)s, %(observed_revision)s, %(desired_revision)s, clock_timestamp(), %(cause)s, %(phase)s, %(reason)s,
        %(message)s, %(attempt)s)
"""  # noqa: S608 - a constant

_OF_VIDEO = """
SELECT video_id, observed_revision, at, cause, phase, reason, message, attempt
FROM video_events WHERE video_id = %(video_id)s ORDER BY observed_revision DESC, desired_revision DESC LIMIT %(at_most)s
"""


def append_event(connection: Connection, row: VideoRow, cause: Cause, message: str | None = None) -> None:
    """Write the line for the observation that ``row`` now holds, in the transaction that stored it.

    ``message``: instead of the observation's own.
    """
    _append(connection, row, cause, message or row.observed.message, desired_revision=0)


def append_deletion(connection: Connection, row: VideoRow, cause: Cause) -> None:
    """Write the line for the deletion or restoration that ``row`` now holds, in the transaction that stored it."""
    message = DELETED if row.desired.deleted else RESTORED
    _append(connection, row, cause, message, desired_revision=row.desired.revision)


def described(before: Visibility, after: Visibility | None) -> str:
    """Return the message of the line for a change by its owner. ``after``: None if it leaves who can play the video."""
    return DESCRIBED if after is None or after is before else _WANTED[after]


def message_of(before: ObservedState, after: ObservedState) -> str:
    """Return the message of the line for a transition. A pause and a hindrance leave the observation's own as it is."""
    if before.is_paused != after.is_paused:
        return PAUSED if after.is_paused else RESUMED
    if before.attempt == after.attempt and before.is_private != after.is_private:
        return NOW_PRIVATE if after.is_private else NOW_PUBLIC
    if before.is_relocating != after.is_relocating:
        return RELOCATING if after.is_relocating else RELOCATED
    if after.hindrance is not None and before.hindrance is not after.hindrance:
        return f"waiting for {HINDRANCES[after.hindrance][0]}"
    return after.message


def _append(connection: Connection, row: VideoRow, cause: Cause, message: str, *, desired_revision: int) -> None:
    connection.execute(
        _APPEND,
        {
            "video_id": row.desired.video_id,
            "observed_revision": row.observed.revision,
            "desired_revision": desired_revision,
            "cause": cause,
            "phase": row.observed.phase,
            "reason": row.observed.reason,
            "message": message,
            "attempt": row.observed.attempt,
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
