"""Follows a video until it is at rest: it lets the service wait for changes, or polls at the interval it asks for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from videoupload.client import Client
from videoupload.models import Video
from videoupload.retry import Retry

# When the service names no interval, as for a paused video.
_DEFAULT_SECONDS = 5.0
# Below the timeouts of this client and of a proxy.
WAIT_SECONDS = 20
_AT_REST = frozenset({"ready", "errored"})
_WAITS_FOR_FILE = "uploading"


@dataclass(frozen=True)
class Poller:
    """Polls videos until they are at rest."""

    client: Client
    retry: Retry = field(default_factory=Retry)
    monotonic: Callable[[], float] = time.monotonic

    def follow(self, video_id: str, on_change: Callable[[Video], object] = lambda _video: None) -> Video:
        """Return the video once it is at rest. ``on_change`` gets each new state. Raises ClientError."""
        before: Video | None = None
        since: str | None = None
        while True:
            began_at = self.monotonic()
            look = self.retry.call(lambda: self.client.look(video_id, since=since, wait_seconds=WAIT_SECONDS))  # noqa: B023
            has_changed, since = look.video.revision != since, look.video.revision
            if look.video != before:
                on_change(look.video)
                before = look.video
            if is_over(look.video):
                return look.video
            # An early answer without a change: the service cannot let this client wait now.
            if since is None or not (has_changed or self.monotonic() - began_at >= WAIT_SECONDS - 1):
                self.retry.wait(look.again_in_seconds or _DEFAULT_SECONDS)


def is_over(video: Video) -> bool:
    """Return whether the video changes no more without a person: it is at rest or deleted, or its file was refused."""
    is_refused = video.status == _WAITS_FOR_FILE and video.error is not None
    return video.edition_status in _AT_REST or video.deleted_at is not None or is_refused
