"""Responses that are a video, with `Retry-After`: when it is worth asking again."""

from collections.abc import Callable
from datetime import datetime

import falcon

from domain.records import VideoRow
from webapi.videos.serializers import Serializer


class Responder:
    """Writes a video into a response."""

    def __init__(self, serializer: Serializer, clock: Callable[[], datetime]) -> None:
        self._serializer = serializer
        self._clock = clock

    def video(self, resp: falcon.Response, row: VideoRow) -> None:
        """Respond with the video as its owner sees it."""
        now = self._clock()
        resp.data = self._serializer.video(row, now).as_json()
        self._set_headers(resp, row, now)

    def admin_video(self, resp: falcon.Response, row: VideoRow) -> None:
        """Respond with the video as administrators see it."""
        now = self._clock()
        resp.data = self._serializer.admin_video(row, now).as_json()
        self._set_headers(resp, row, now)

    def _set_headers(self, resp: falcon.Response, row: VideoRow, now: datetime) -> None:
        resp.set_header("Cache-Control", "private, no-cache")
        seconds = self._serializer.retry_after_seconds(row, now)
        if seconds is not None:
            resp.set_header("Retry-After", str(seconds))
