"""A measurement for each request, and a log line for each that changed something or failed.

Query strings are in neither: they hold signatures.
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
# More series than routes, methods and statuses together can make; the bound is for what we did not foresee.
_SERIES_KEPT = 1024


class RequestLog:
    """Falcon middleware; the first one, so that every answer has a request id. Made after logging is configured."""

    def __init__(self, metrics: ApiMetrics) -> None:
        self._seconds = lru_cache(maxsize=_SERIES_KEPT)(metrics.request_seconds.labels)
        # Bound once: structlog's lazy logger would assemble itself again for each request.
        self._log = structlog.get_logger(__name__).bind()
        # Ids need to differ, not to be unguessable: random once for the process, then counted.
        self._process = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Name the request, by the caller's own name for it if that is a decent one."""
        given = req.get_header("X-Request-Id")
        if given is None or not _REQUEST_ID.fullmatch(given):
            given = f"{self._process}-{next(self._numbers)}"
        req.context.request_id = given
        req.context.began_at = time.perf_counter()
        resp.set_header("X-Request-Id", given)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Measure the answer, and log it unless it was a mere look."""
        seconds = time.perf_counter() - req.context.began_at
        # The template, not the path: ids would make one series and one shape of line for each video.
        route = req.uri_template or "unmatched"
        # Clients may send any word as a method; each one would be a series of its own.
        method = req.method if req.method in falcon.HTTP_METHODS else "other"
        self._seconds(method, route, resp.status_code).observe(seconds)
        # Clients and probes ask every few seconds. What they saw is counted; a line each would bury the rest
        # and cost as much as the answer.
        is_look = req.method == "GET" and resp.status_code < 400
        write = self._log.debug if is_look else self._log.info
        write(
            "request",
            method=method,
            route=route,
            status=resp.status_code,
            milliseconds=round(seconds * 1000, 2),
            request_id=req.context.request_id,
        )
