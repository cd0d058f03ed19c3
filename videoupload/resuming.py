"""Decides whether an unfinished upload can be resumed: functions of the saved state and of the service's answer."""

from dataclasses import dataclass

from videoupload.files import Fingerprint
from videoupload.models import NewVideo, Video
from videoupload.upload_state import UploadState

_TAKES_A_FILE = frozenset({"pending", "uploading"})


@dataclass(frozen=True)
class StartOver:
    """Begin a new upload. ``why`` is for people; None if there was none before."""

    why: str | None = None


@dataclass(frozen=True)
class Resume:
    """Send what is missing."""


@dataclass(frozen=True)
class AlreadySent:
    """All bytes have arrived, and the service no longer waits for them."""


@dataclass(frozen=True)
class ResumeRefused:
    """The service verified this very file and refused it."""

    why: str


UploadPosition = StartOver | Resume | AlreadySent | ResumeRefused


def is_same(begun: UploadState | None, now: Fingerprint, new: NewVideo) -> StartOver | Resume:
    """Compare the saved upload with the file and the request of this run."""
    if begun is None:
        return StartOver()
    if begun.fingerprint != now:
        return StartOver(f"the file has changed since its upload was begun{_left_over(begun)}")
    if begun.video_id is None and begun.new != new:
        # The key of the first question is good for that question only.
        return StartOver("what was asked for before is not known to have arrived, and something else is asked for now")
    return Resume()


def upload_position(video: Video | None) -> UploadPosition:
    """Return where an upload stands. ``video`` None: the service does not know it."""
    if video is None:
        return StartOver("the service does not know the upload that was begun before, or not as yours")
    if video.deleted_at is not None:
        return StartOver(f"video {video.id}, begun before, was deleted")
    if video.status in _TAKES_A_FILE:
        return Resume() if video.error is None else ResumeRefused(f"{video.error.message}. {video.error.what_to_do}")
    if video.status == "errored":
        code = video.error.code if video.error else video.reason
        return StartOver(f"video {video.id}, begun before, ended errored ({code})")
    return AlreadySent()


def _left_over(begun: UploadState) -> str:
    if begun.video_id is None:
        return ""
    return f"; video {begun.video_id} stays unfinished, `videoupload delete {begun.video_id}` removes it"
