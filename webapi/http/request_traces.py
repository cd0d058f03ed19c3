"""Traces the calls that changed a video, or that a fault kept from it, as parts of the video's trace."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import falcon

from domain.callback_url import CALLBACK_PATH
from runtime.tracing import Tracing, Value


class RequestTraces:
    """Falcon middleware, behind RequestLog. Reads are left out: clients poll, and nothing of the video changes."""

    def __init__(self, tracing: Tracing, clock: Callable[[], datetime]) -> None:
        self._tracing = tracing
        self._clock = clock

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: object, params: dict[str, Any]
    ) -> None:
        """Keep the id in the path for the end of the call."""
        req.context.video_id = params.get("video_id")

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Trace the call with its time and its status."""
        status, route = resp.status_code, req.uri_template
        is_change = req.method not in ("GET", "HEAD", "OPTIONS") and status < 300
        video_id = _video_id(req, resp) if is_change or status >= 500 else None
        if video_id is None or route is None:
            return
        ended = self._clock()
        began = ended - timedelta(seconds=time.perf_counter() - req.context.began_at)
        attributes: dict[str, Value] = {
            "http.request.method": req.method,
            "http.route": route,
            "http.response.status_code": status,
        }
        self._tracing.record(f"{req.method} {route}", video_id, began, ended, **attributes)


def _video_id(req: falcon.Request, resp: falcon.Response) -> str | None:
    """Return the id in the path, of what was created, or in the URL of a callback."""
    if req.path == CALLBACK_PATH:
        return req.get_param("video")
    video_id: str | None = getattr(req.context, "video_id", None)
    if video_id is None and resp.status_code == 201:
        video_id = (resp.get_header("Location") or "").rpartition("/")[2] or None
    return video_id
