"""Reading videos: one, or an owner's in pages. Those of all owners are in catalogue.py. Nothing is changed here.

A page begins after a row, not at a number, so the last one costs what the first does: each statement below walks
a range of one index (migrations 0001 to 0003) and skips next to nothing. Whether a caller may see a row is decided
in webapi/.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from database.columns import SELECT_VIDEO, VIDEO, fetch_video, fetch_videos
from database.pool import Database
from domain.records import VideoRow, revision_tag
from domain.video import Phase

_REVISIONS = "SELECT video_id, revision, observed_revision FROM videos WHERE video_id = ANY(%(video_ids)s)"
# Separate statements instead of one with alternatives: Postgres plans a statement once for all parameters.
_OF_OWNER = """
SELECT {video} FROM videos
WHERE owner = %(owner)s AND {which} AND (created_at, video_id) < (%(at)s, %(video_id)s)
ORDER BY created_at DESC, video_id DESC LIMIT %(at_most)s
"""
# Of a video that is not deleted this is what `shown_phase` of domain/video.py says.
LISTED = "(CASE WHEN deleted THEN 'deleted' WHEN is_playable THEN 'ready' ELSE phase END)"


@dataclass(frozen=True)
class Selection:
    """Which of an owner's videos: by the phase people see, and whether deleted ones instead of the others.

    ``errored`` means the newest edition, also where an older one can still be played.
    """

    owner: str
    status: Phase | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class Cursor:
    """A row's position in a list: the values that the list is sorted by."""

    at: datetime
    video_id: str


@dataclass(frozen=True)
class VideoPage:
    """Some rows of a list, newest first. ``last``: the position of the last one; None when no more rows follow."""

    rows: tuple[VideoRow, ...]
    last: Cursor | None


class VideoQueries:
    """The videos of all owners. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, video_id: str) -> VideoRow | None:
        """Return one row of any owner."""
        with self._database.connection() as connection:
            return fetch_video(connection, SELECT_VIDEO, {"video_id": video_id})

    def revision_tags(self, video_ids: Collection[str]) -> dict[str, str]:
        """Return the revision of each of these videos that exists, as clients see it."""
        with self._database.connection() as connection:
            rows = connection.execute(_REVISIONS, {"video_ids": list(video_ids)}).fetchall()
        return {
            columns["video_id"]: revision_tag(columns["revision"], columns["observed_revision"]) for columns in rows
        }

    def of_owner(self, selection: Selection, *, after: Cursor | None, at_most: int) -> VideoPage:
        """Return a page of the selected videos, newest first."""
        statement = _OF_OWNER.format(video=VIDEO, which=_which(selection))
        rows = self._rows(statement, after, at_most, owner=selection.owner, status=selection.status)
        return _page([(row, Cursor(row.created_at, row.desired.video_id)) for row in rows], at_most)

    def _rows(self, statement: str, after: Cursor | None, at_most: int, **wanted: str | None) -> list[VideoRow]:
        # Nothing is newer than infinity, so the first page needs no separate statement. One extra row shows whether
        # another page follows.
        begin = {"at": after.at, "video_id": after.video_id} if after else {"at": "infinity", "video_id": ""}
        with self._database.connection() as connection:
            return fetch_videos(connection, statement, {**wanted, **begin, "at_most": at_most + 1})


def _which(selection: Selection) -> str:
    match selection:
        case Selection(is_deleted=True, status=None):
            return f"{LISTED} = 'deleted'"
        case Selection(is_deleted=True):
            return f"{LISTED} = 'deleted' AND phase = %(status)s"
        case Selection(status=None):
            return "NOT deleted"
        case Selection(status=Phase.ERRORED):
            return "NOT deleted AND phase = 'errored'"
        case _:
            return f"{LISTED} = %(status)s"


def _page(positioned: Sequence[tuple[VideoRow, Cursor]], at_most: int) -> VideoPage:
    kept = positioned[:at_most]
    return VideoPage(tuple(row for row, _ in kept), kept[-1][1] if len(positioned) > at_most else None)
