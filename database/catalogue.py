"""The catalogue: the videos of all owners in pages, filtered, for administrators. Nothing is changed here.

A page walks a range of one index, chosen by the filters, and leaves out what the other filters do not want. It walks
WALKED_MAX rows at most: then it ends, however little was found, and the next page goes on from there. So no combination
of filters makes a page cost more than another, and a text within titles needs no index of its own (decision 0038).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from database.columns import VIDEO, video_row
from database.pool import Database
from database.queries import LISTED, Cursor, VideoPage
from domain.records import VideoRow
from domain.video import Phase

# Some ten milliseconds while the rows are in memory, and two seconds if each had to be fetched from a slow disk.
WALKED_MAX = 2_000

# The inner LIMIT keeps the planner from moving filters into the walk, and so is what bounds it. All is done row by row:
# the walk ends as soon as the page is full. Its last row is returned too, so that the next page knows where to go on.
_PAGE = """
SELECT {video}, is_wanted, number FROM (
    SELECT {video}, {wanted} AS is_wanted, row_number() OVER (ORDER BY {at} DESC, video_id DESC) AS number
    FROM (SELECT {video} FROM videos
          WHERE {walked} AND ({at}, video_id) < (%(at)s, %(video_id)s)
          ORDER BY {at} DESC, video_id DESC LIMIT {walked_max}) AS videos
) AS videos
WHERE is_wanted OR number = {walked_max}
ORDER BY {at} DESC, video_id DESC LIMIT %(at_most)s
"""
# Where the planner expects few rows it would fetch them all and sort them, and one plan for all owners expects few of
# the owner who has half of all videos.
_WALK_ONLY = """
SELECT set_config('enable_sort', 'off', true), set_config('enable_incremental_sort', 'off', true),
       set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)
"""


@dataclass(frozen=True)
class CatalogueSelection:
    """Which videos of all owners: those that every given filter wants.

    ``status``: as people see it; ``errored`` means the newest edition, also where an older one can still be played.
    ``region``: whose store has the files. ``error_code``: why the newest edition failed.
    ``created_after``: then or later; ``created_before``: earlier than that. ``title``: a part of it, in upper or lower
    case. ``is_deleted``: deleted ones instead of the others.
    """

    owner: str | None = None
    status: Phase | None = None
    profile: str | None = None
    region: str | None = None
    error_code: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    title: str | None = None
    is_deleted: bool = False


@dataclass(frozen=True)
class _Walk:
    """One way through the table: the conditions that its index holds, those of the other filters, and the order."""

    walked: tuple[str, ...]
    wanted: tuple[str, ...]
    at: str = "created_at"


@dataclass(frozen=True)
class _Found:
    row: VideoRow
    is_wanted: bool
    number: int


class Catalogue:
    """The videos of all owners. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, selection: CatalogueSelection, *, after: Cursor | None, at_most: int) -> VideoPage:
        """Return a page of the selected videos, the newest or the latest failure first.

        It may hold fewer than ``at_most``, or none, although more follow.
        """
        walk = _walk(selection)
        statement = _PAGE.format(
            video=VIDEO,
            at=walk.at,
            walked=_all_of(walk.walked),
            wanted=_all_of(walk.wanted),
            walked_max=WALKED_MAX,
        )
        # Nothing is newer than infinity. One extra row shows whether another page follows.
        begin = {"at": after.at, "video_id": after.video_id} if after else _begin(selection, walk)
        parameters = {**vars(selection), **begin, "at_most": at_most + 1}
        with self._database.transaction() as connection:
            connection.execute(_WALK_ONLY)
            found = connection.cursor(row_factory=_found_factory).execute(statement, parameters).fetchall()
        return _page(found, walk, at_most)


# What always holds, and lets a statement use the index of migration 0031 that has the same condition.
_BY_TIME, _BY_STATUS, _BY_PROFILE = (f"length({column}) > 0" for column in ("video_id", "phase", "profile"))


def _walk(selection: CatalogueSelection) -> _Walk:
    """Choose the index that leaves out the most: the ready videos of the usual profile are nearly all there are."""
    created_after = ("created_at >= %(created_after)s",) if selection.created_after else ()
    created_before = ("created_at < %(created_before)s",) if selection.created_before else ()
    owner = ("owner = %(owner)s",) if selection.owner else ()
    by_status = owner or (_BY_STATUS,)
    profile = ("profile = %(profile)s",) if selection.profile else ()
    others = (
        *(("strpos(lower(title), lower(%(title)s::text)) > 0",) if selection.title else ()),
        *(("region = %(region)s",) if selection.region else ()),
        *(("failure ->> 'code' = %(error_code)s",) if selection.error_code else ()),
    )
    listed = f"{LISTED} = %(status)s"
    match selection:
        case CatalogueSelection(is_deleted=True):
            phase = ("phase = %(status)s",) if selection.status else ()
            return _Walk((*by_status, f"{LISTED} = 'deleted'", *created_after), (*phase, *profile, *others))
        case CatalogueSelection(status=Phase.ERRORED):
            wanted = ("NOT deleted", *owner, *profile, *created_after, *created_before, *others)
            return _Walk(("phase = 'errored'",), wanted, at="phase_since")
        case CatalogueSelection(owner=str(), status=None):
            return _Walk((*owner, *created_after), ("NOT deleted", *profile, *others))
        case CatalogueSelection(owner=None, profile=str(), status=None):
            return _Walk((_BY_PROFILE, *profile, *created_after), ("NOT deleted", *others))
        case CatalogueSelection(owner=None, profile=str(), status=Phase.READY):
            return _Walk((_BY_PROFILE, *profile, *created_after), (listed, *others))
        case CatalogueSelection(status=None):
            return _Walk((_BY_TIME, *created_after), ("NOT deleted", *others))
        case _:
            return _Walk((*by_status, listed, *created_after), (*profile, *others))


def _begin(selection: CatalogueSelection, walk: _Walk) -> dict[str, object]:
    is_bounded = selection.created_before is not None and walk.at == "created_at"
    return {"at": selection.created_before if is_bounded else "infinity", "video_id": ""}


def _all_of(conditions: Collection[str]) -> str:
    return " AND ".join(conditions) or "true"


def _found_factory(_cursor: object) -> Callable[[Collection[Any]], _Found]:
    def found(values: Collection[Any]) -> _Found:
        *_, is_wanted, number = values
        return _Found(video_row(values), is_wanted, number)

    return found


def _page(found: list[_Found], walk: _Walk, at_most: int) -> VideoPage:
    wanted = [one for one in found if one.is_wanted]
    kept = wanted[:at_most]
    if len(wanted) > at_most:
        return VideoPage(_rows(kept), _cursor(kept[-1], walk))
    is_cut = bool(found) and found[-1].number == WALKED_MAX
    return VideoPage(_rows(kept), _cursor(found[-1], walk) if is_cut else None)


def _rows(found: Collection[_Found]) -> tuple[VideoRow, ...]:
    return tuple(one.row for one in found)


def _cursor(found: _Found, walk: _Walk) -> Cursor:
    at = found.row.observed.phase_since if walk.at == "phase_since" else found.row.created_at
    return Cursor(at, found.row.desired.video_id)
