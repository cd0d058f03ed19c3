"""Polls a video until it is at rest, at the interval that the service asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field

from videoupload.client import Client
from videoupload.models import Video
from videoupload.retry import Retry

# When the service names no interval, as for a paused video.
_DEFAULT_SECONDS = 5.0
_AT_REST = frozenset({"ready", "errored"})
_WAITS_FOR_FILE = "uploading"


@dataclass(frozen=True)
class Poller:
    """Polls videos until they are at rest."""

    client: Client
    retry: Retry = field(default_factory=Retry)

    def follow(self, video_id: str, on_change: Callable[[Video], object] = lambda _video: None) -> Video:
        """Return the video once it is at rest. ``on_change`` gets each new state. Raises ClientError."""
        before: Video | None = None
        while True:
            look = self.retry.call(lambda: self.client.look(video_id))
            if look.video != before:
                on_change(look.video)
                before = look.video
            if is_over(look.video):
                return look.video
            self.retry.wait(look.again_in_seconds or _DEFAULT_SECONDS)


def is_over(video: Video) -> bool:
    """Return whether the video changes no more without a person: it is at rest or deleted, or its file was refused."""
    is_refused = video.status == _WAITS_FOR_FILE and video.error is not None
    return video.edition_status in _AT_REST or video.deleted_at is not None or is_refused
