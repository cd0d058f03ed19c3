"""Takes videos from creation to `ready` and stamps what happens; the same code for every side.

All times are of the monotonic clock, which the processes of a machine share.
"""

import http.client
import json
import queue
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

from devstack.ports import HOST

_TIMEOUT_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.005
_LAST_PAUSE_SECONDS = 0.1
_BUFFER_BYTES = 8 * 1024**2
_IN_FLIGHT_MAX = 256


class FlowError(Exception):
    """A call had another response than a working service gives, so the measurement means nothing."""


@dataclass(frozen=True)
class CallResponse:
    """A response with its body."""

    status: int
    body: bytes

    def json(self, expected: int) -> Any:
        """Return the body. Raises FlowError for another status."""
        if self.status != expected:
            raise FlowError(f"HTTP {self.status} instead of {expected}: {self.body[:300]!r}")
        return json.loads(self.body)


def call(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> CallResponse:
    """Make one call on a connection of its own, as behind a proxy with its defaults."""
    parts = urllib.parse.urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_SECONDS)) as connection:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target or "/", body, {"Connection": "close", **(headers or {})})
        answer = connection.getresponse()
        return CallResponse(answer.status, answer.read())


@dataclass
class TimedVideo:
    """One video on its way, with the times of what happened to it; 0 until then."""

    video_id: str
    upload_url: str
    upload_headers: Mapping[str, str]
    storage_key: str
    user: str
    began: float = 0.0
    confirmed: float = 0.0
    submitted: float = 0.0
    called_back: float = 0.0
    ready: float = 0.0
    jobs: int = 0
    is_called_back: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> str:
        """Return the second part of its key, which the key of its job's input has too."""
        return self.storage_key.split("/")[1]


class ServiceCalls(Protocol):
    """The calls of one side's clients."""

    def create(self, number: int) -> TimedVideo:
        """Create a video and return where to send its file."""

    def confirm(self, video: TimedVideo) -> None:
        """Confirm that the file was sent."""

    def is_ready(self, video: TimedVideo) -> bool:
        """Read the video; return whether it is ready."""


class StubEvents:
    """Receives what the transcoder stub reports, and stamps the videos that are on their way."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.bind((HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self._videos: dict[str, TimedVideo] = {}
        threading.Thread(target=self._receive, daemon=True).start()

    def expect(self, video: TimedVideo) -> None:
        """Stamp this video from now on."""
        self._videos[video.folder] = video

    def _receive(self) -> None:
        while True:
            event, key, at = json.loads(self._socket.recv(4096))
            video = self._videos.get(key.split("/")[1])
            if video is None:
                continue
            if event == "accepted":
                video.jobs += 1
                video.submitted = video.submitted or at
            else:
                video.called_back = video.called_back or at
                video.is_called_back.set()


@dataclass(frozen=True)
class Driver:
    """One side's clients."""

    service: ServiceCalls
    events: StubEvents
    file: bytes

    def upload(self, number: int) -> TimedVideo:
        """Create a video, send its file and confirm it."""
        began = time.monotonic()
        video = self.service.create(number)
        video.began = began
        self.events.expect(video)
        sent = call(video.upload_url, "PUT", self.file, video.upload_headers)
        if sent.status != 200:
            raise FlowError(f"PUT of the file: HTTP {sent.status} {sent.body[:300]!r}")
        video.confirmed = time.monotonic()
        self.service.confirm(video)
        return video

    def live(self, number: int, *, within_seconds: float = 60.0) -> TimedVideo:
        """Take a video from creation until a read says that it is ready, or until the time is over."""
        video = self.upload(number)
        self.follow(video, until=time.monotonic() + within_seconds)
        return video

    def follow(self, video: TimedVideo, *, until: float) -> None:
        """Read the video from its callback on, less and less often, until it is ready or the time is over."""
        if not video.is_called_back.wait(max(0.0, until - time.monotonic())):
            return
        pause = _FIRST_PAUSE_SECONDS
        while True:
            if self.service.is_ready(video):
                video.ready = time.monotonic()
                return
            if time.monotonic() > until:
                return
            time.sleep(pause)
            pause = min(pause * 1.3, _LAST_PAUSE_SECONDS)

    def all_at(
        self, count: int, *, in_flight: int, action: Callable[[int], TimedVideo] | None = None
    ) -> list[TimedVideo]:
        """Take so many videos through, always ``in_flight`` at a time."""
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(count):
            todo.put(number)
        act = action or self.live

        def work(_: int) -> list[TimedVideo]:
            return [act(number) for number in _taken(todo)]

        with ThreadPoolExecutor(in_flight) as pool:
            return [video for some in pool.map(work, range(in_flight)) for video in some]

    def paced(self, count: int, *, per_second: float, within_seconds: float) -> list[TimedVideo]:
        """Begin a video at fixed times, whether or not earlier ones are done."""
        with ThreadPoolExecutor(_IN_FLIGHT_MAX) as pool:
            began, begun = time.monotonic(), []
            for number in range(count):
                time.sleep(max(0.0, began + number / per_second - time.monotonic()))
                begun.append(pool.submit(self.live, number, within_seconds=within_seconds))
            return [one.result() for one in begun]


def _taken(todo: "queue.SimpleQueue[int]") -> Iterator[int]:
    while True:
        try:
            yield todo.get_nowait()
        except queue.Empty:
            return


def latencies(videos: Sequence[TimedVideo]) -> tuple[list[float], list[float]]:
    """Return the seconds from confirmation to submission, and from callback to ready, of those that got there."""
    to_submission = [video.submitted - video.confirmed for video in videos if video.submitted]
    to_ready = [video.ready - video.called_back for video in videos if video.ready and video.called_back]
    return to_submission, to_ready
