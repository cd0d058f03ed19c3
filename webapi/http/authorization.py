"""Which video or other thing a call is about, and whether it may be changed by one."""

import re
from uuid import UUID

import falcon

from domain.records import VideoRow
from domain.video import Origin, is_video_id
from webapi.http.auth import caller_of
from webapi.http.problems import ProblemCode, ProblemError
from webapi.ports import VideoQueries
from webapi.schemas.requests import UUID_PATTERN


def owned(queries: VideoQueries, req: falcon.Request, video_id: str) -> VideoRow:
    """Return the caller's video. Another user's is as unknown as one that never was."""
    row = known(queries, video_id)
    if row.desired.owner != caller_of(req).owner:
        raise _unknown()
    return row


def known(queries: VideoQueries, video_id: str) -> VideoRow:
    """Return a video, whoever owns it. Raises ProblemError."""
    row = queries.get(video_id) if is_video_id(video_id) else None
    if row is None:
        raise _unknown()
    return row


def uuid_of(text: str) -> UUID:
    """Return the id in a path, in the one spelling that it has. Raises ProblemError."""
    if not re.fullmatch(UUID_PATTERN, text) or text.endswith("\n"):
        raise ProblemError(ProblemCode.NOT_FOUND, "there is no such id")
    return UUID(text)


def changeable(row: VideoRow) -> VideoRow:
    """Return the video if its wish is ours to change. Raises ProblemError."""
    if row.desired.origin is Origin.KUBERNETES:
        detail = "the resource of this name is applied by somebody else; it was not changed"
        raise ProblemError(ProblemCode.MANAGED_BY_KUBERNETES, detail)
    return row


def _unknown() -> ProblemError:
    return ProblemError(ProblemCode.NOT_FOUND, "there is no such video")
