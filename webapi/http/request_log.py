"""Measures every request, and logs those that changed something or failed.

Query strings appear in neither, since they contain signatures.
"""

import itertools
import re
import secrets
import time
from functools import lru_cache

import falcon
import structlog

from webapi.metrics import ApiMetrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# More than all routes, methods and statuses make; the limit is for what we did not foresee.
_SERIES_CACHED = 1024


class RequestLog:
    """Falcon middleware. It comes first, so every response has a request id. Create it after configuring logging."""

    def __init__(self, metrics: ApiMetrics) -> None:
        self._seconds = lru_cache(maxsize=_SERIES_CACHED)(metrics.request_seconds.labels)
        # Bound once: structlog's lazy logger would otherwise be assembled for each request.
        self._log = structlog.get_logger(__name__).bind()
        # Ids must differ but need not be secret: a random part for the process, then a counter.
        self._process = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Give the request an id: the caller's, if it is well-formed."""
        request_id = req.get_header("X-Request-Id")
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = f"{self._process}-{next(self._numbers)}"
        req.context.request_id = request_id
        req.context.began_at = time.perf_counter()
        resp.set_header("X-Request-Id", request_id)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Measure the request, and log it unless it is a successful read."""
        seconds = time.perf_counter() - req.context.began_at
        # The template instead of the path: ids would make one series for each video.
        route = req.uri_template or "unmatched"
        # Clients may send any word as a method; each one would make a new series.
        method = req.method if req.method in falcon.HTTP_METHODS else "other"
        self._seconds(method, route, resp.status_code).observe(seconds)
        # Clients and probes poll every few seconds. Their requests are measured; logging them would bury the rest
        # and cost as much as the response.
        is_read = req.method in ("GET", "HEAD") and resp.status_code < 400
        write = self._log.debug if is_read else self._log.info
        write(
            "request_completed",
            method=method,
            route=route,
            status=resp.status_code,
            milliseconds=round(seconds * 1000, 2),
            request_id=req.context.request_id,
        )
