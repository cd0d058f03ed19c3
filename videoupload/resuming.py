"""Decides whether an unfinished upload can be resumed, from the saved state and the service's response."""

from dataclasses import dataclass

from videoupload.files import Fingerprint
from videoupload.models import NewVideo, Video
from videoupload.upload_state import UploadState

_TAKES_A_FILE = frozenset({"pending", "uploading"})


@dataclass(frozen=True)
class StartOver:
    """Start a new upload. ``why`` is for people; it is None if there was no earlier upload."""

    why: str | None = None


@dataclass(frozen=True)
class Resume:
    """Send what is missing."""


@dataclass(frozen=True)
class AlreadySent:
    """The whole file has arrived, and the service is no longer waiting for it."""


@dataclass(frozen=True)
class ResumeRefused:
    """The service verified this very file and refused it."""

    why: str


UploadPosition = StartOver | Resume | AlreadySent | ResumeRefused


def is_same(state: UploadState | None, now: Fingerprint, new: NewVideo) -> StartOver | Resume:
    """Compare the saved upload with the file and the request of this run."""
    if state is None:
        return StartOver()
    if state.fingerprint != now:
        return StartOver(f"the file has changed since its upload started{_left_over(state)}")
    if state.video_id is None and state.new != new:
        # The key of the first request is valid for that request only.
        return StartOver("the earlier request had other options and may not have arrived")
    return Resume()


def upload_position(video: Video | None) -> UploadPosition:
    """Return how an upload can continue. ``video`` is None if the service does not know it."""
    if video is None:
        return StartOver("the service does not know the earlier upload, or it is not yours")
    if video.deleted_at is not None:
        return StartOver(f"the earlier video {video.id} was deleted")
    if video.status in _TAKES_A_FILE:
        return Resume() if video.error is None else ResumeRefused(f"{video.error.message}. {video.error.what_to_do}")
    if video.status == "errored":
        code = video.error.code if video.error else video.reason
        return StartOver(f"the earlier video {video.id} failed ({code})")
    return AlreadySent()


def _left_over(state: UploadState) -> str:
    if state.video_id is None:
        return ""
    return f"; video {state.video_id} stays unfinished, and `videoupload delete {state.video_id}` deletes it"
