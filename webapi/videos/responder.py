"""A video as the answer to a call: what is seen of it, and when it is worth asking for again."""

from collections.abc import Callable
from datetime import datetime

import falcon

from domain.records import VideoRow
from webapi.videos.serializers import Serializer


class Responder:
    """Answers with videos as they are now."""

    def __init__(self, serializer: Serializer, clock: Callable[[], datetime]) -> None:
        self._serializer = serializer
        self._clock = clock

    def video(self, resp: falcon.Response, row: VideoRow) -> None:
        """Answer with the video as its owner sees it."""
        now = self._clock()
        resp.data = self._serializer.video(row, now).as_json()
        self._ask_again(resp, row, now)

    def admin_video(self, resp: falcon.Response, row: VideoRow) -> None:
        """Answer with the video as administrators see it."""
        now = self._clock()
        resp.data = self._serializer.admin_video(row, now).as_json()
        self._ask_again(resp, row, now)

    def _ask_again(self, resp: falcon.Response, row: VideoRow, now: datetime) -> None:
        resp.set_header("Cache-Control", "private, no-cache")
        seconds = self._serializer.ask_again_seconds(row, now)
        if seconds is not None:
            resp.set_header("Retry-After", str(seconds))
