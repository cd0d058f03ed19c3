"""Authorization: finds the video of a call, and checks that the caller may see and change it."""

import re
from uuid import UUID

import falcon

from database.queries import VideoQueries
from domain.records import VideoRow
from domain.video import Origin, is_video_id
from webapi.http.auth import caller_of
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.schemas.requests import UUID_PATTERN


def owned(queries: VideoQueries, req: falcon.Request, video_id: str) -> VideoRow:
    """Return the caller's video. Raises HttpProblemError, for another user's video as for one that does not exist."""
    row = existing(queries, video_id)
    if row.desired.owner != caller_of(req).owner:
        raise _not_found()
    return row


def existing(queries: VideoQueries, video_id: str) -> VideoRow:
    """Return any owner's video. Raises HttpProblemError."""
    row = queries.get(video_id) if is_video_id(video_id) else None
    if row is None:
        raise _not_found()
    return row


def uuid_of(text: str) -> UUID:
    """Return the id in a path, if it is spelled canonically. Raises HttpProblemError."""
    if not re.fullmatch(UUID_PATTERN, text) or text.endswith("\n"):
        raise HttpProblemError(ProblemCode.NOT_FOUND, "there is no such id")
    return UUID(text)


def changeable(row: VideoRow) -> VideoRow:
    """Return the video if the API may change its desired state. Raises HttpProblemError."""
    if row.desired.origin is Origin.KUBERNETES:
        detail = "this video is managed by its VideoUpload in Kubernetes; nothing was changed"
        raise HttpProblemError(ProblemCode.MANAGED_BY_KUBERNETES, detail)
    return row


def _not_found() -> HttpProblemError:
    return HttpProblemError(ProblemCode.NOT_FOUND, "there is no such video")
