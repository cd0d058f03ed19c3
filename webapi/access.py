"""Which video a call is about, and whether it may be changed by one."""

import re

import falcon

from crds.videoupload import Origin
from desired.rows import VideoRow
from webapi.auth import caller_of
from webapi.errors import Code, ProblemError
from webapi.ports import Catalogue

# Ours have 26 characters; an import has the name of its resource.
_VIDEO_ID = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")


def owned(catalogue: Catalogue, req: falcon.Request, video_id: str) -> VideoRow:
    """Return the caller's video. Another user's is as unknown as one that never was."""
    row = known(catalogue, video_id)
    if row.wish.owner != caller_of(req).owner:
        raise _unknown()
    return row


def known(catalogue: Catalogue, video_id: str) -> VideoRow:
    """Return a video, whoever owns it. Raises ProblemError."""
    row = catalogue.get(video_id) if _VIDEO_ID.fullmatch(video_id) else None
    if row is None:
        raise _unknown()
    return row


def changeable(row: VideoRow) -> VideoRow:
    """Return the video if its wish is ours to change. Raises ProblemError."""
    if row.wish.origin is Origin.KUBERNETES:
        detail = "the resource of this name is applied by somebody else; it was not changed"
        raise ProblemError(Code.MANAGED_BY_KUBERNETES, detail)
    return row


def _unknown() -> ProblemError:
    return ProblemError(Code.NOT_FOUND, "there is no such video")
