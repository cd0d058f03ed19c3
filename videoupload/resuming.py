"""Whether an upload that was begun can be gone on with: functions of what is remembered and what the service says."""

from dataclasses import dataclass

from videoupload.files import Fingerprint
from videoupload.models import NewVideo, Video
from videoupload.upload_state import Begun

_TAKES_A_FILE = frozenset({"pending", "uploading"})


@dataclass(frozen=True)
class Anew:
    """Begin a new upload. ``why`` is for people; None if there was none before."""

    why: str | None = None


@dataclass(frozen=True)
class GoOn:
    """Send what is missing."""


@dataclass(frozen=True)
class Sent:
    """All bytes have arrived, and the service is past them."""


@dataclass(frozen=True)
class Refused:
    """This very file was looked at and refused."""

    why: str


Standing = Anew | GoOn | Sent | Refused


def is_same(begun: Begun | None, now: Fingerprint, new: NewVideo) -> Anew | GoOn:
    """Hold what is remembered against the file and the wish of today."""
    if begun is None:
        return Anew()
    if begun.fingerprint != now:
        return Anew(f"the file has changed since its upload was begun{_left_over(begun)}")
    if begun.video_id is None and begun.new != new:
        # The key of the first question is good for that question only.
        return Anew("what was asked for before is not known to have arrived, and something else is asked for now")
    return GoOn()


def standing(video: Video | None) -> Standing:
    """Tell where an upload stands by its video; None: the service does not know it."""
    if video is None:
        return Anew("the service does not know the upload that was begun before, or not as yours")
    if video.deleted_at is not None:
        return Anew(f"video {video.id}, begun before, was deleted")
    if video.status in _TAKES_A_FILE:
        return GoOn() if video.error is None else Refused(f"{video.error.message}. {video.error.what_to_do}")
    if video.status == "errored":
        code = video.error.code if video.error else video.reason
        return Anew(f"video {video.id}, begun before, ended errored ({code})")
    return Sent()


def _left_over(begun: Begun) -> str:
    if begun.video_id is None:
        return ""
    return f"; video {begun.video_id} stays unfinished, `videoupload delete {begun.video_id}` removes it"
