"""Follows one video until it is at rest, and prints each transition as it happens."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devstack.demo.errors import DemoError
from devstack.demo.history import History, Transition
from videoupload import Video
from videoupload.progress_bar import Screen

_READY = "ready"
_AT_REST = frozenset({_READY, "errored"})
_WAITING_FOR_FILE = "uploading"
_TRANSCODING = "processing"


@dataclass(frozen=True)
class Followed:
    """A video at rest, with its transitions."""

    video: Video
    transitions: Sequence[Transition]


@dataclass(frozen=True)
class TransitionPrinter:
    """Polls the API, the history and Coconut, and prints the changes."""

    video: Callable[[str], Video]
    history: History
    percent: Callable[[str], int]
    screen: Screen
    monotonic: Callable[[], float] = time.monotonic
    look_every_seconds: float = 0.3

    def follow(self, video_id: str, *, patience_seconds: float) -> Followed:
        """Print transitions until the video is ready or errored, or waits for another file.

        Raises ClientError, and DemoError when nothing has changed for ``patience_seconds``.
        """
        printed: Sequence[Transition] = ()
        before: Video | None = None
        changed_at = transcoding_since = self.monotonic()
        pause = threading.Event()
        while True:
            video, transitions, now = self.video(video_id), self.history(video_id), self.monotonic()
            for transition in transitions[len(printed) :]:
                self.screen.line(_line(transition, transitions[0]))
            if video != before or len(transitions) > len(printed):
                changed_at = now
            if before is None or before.status != _TRANSCODING:
                transcoding_since = now
            printed, before = transitions, video
            if video.status in (_TRANSCODING, _READY):
                self.screen.bar("transcoding", self._percent(video), f"{now - transcoding_since:.0f} s")
            if _is_over(video):
                self.screen.end_bar()
                return Followed(video, transitions)
            if now - changed_at > patience_seconds:
                raise DemoError(f"nothing changed for {patience_seconds:g} s: {_waiting(video)}")
            pause.wait(self.look_every_seconds)

    def _percent(self, video: Video) -> int:
        return video.progress if video.status == _READY else max(video.progress, self.percent(video.id))


def _is_over(video: Video) -> bool:
    return video.status in _AT_REST or (video.status == _WAITING_FOR_FILE and video.error is not None)


def _waiting(video: Video) -> str:
    return f"the video is {video.status}" + (f", waiting for {video.waiting_for}" if video.waiting_for else "")


def _line(transition: Transition, first: Transition) -> str:
    after = (transition.at - first.at).total_seconds()
    what = f"{transition.phase:<10} {transition.reason:<20} cause: {transition.cause:<7}"
    return f"{after:7.1f} s  {what} {transition.message}".rstrip()
