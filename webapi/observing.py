"""One log line and one measurement for each request. Query strings are never among them: they hold signatures."""

import re
import secrets
import time

import falcon
import structlog

from webapi.metrics import Metrics

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Asked every few seconds by machines; their failures are logged all the same.
_QUIET_ROUTES = frozenset({"/livez", "/readyz", "/metrics"})


class Observing:
    """Falcon middleware; the first one, so that every answer has a request id."""

    def __init__(self, metrics: Metrics) -> None:
        self._seconds = metrics.request_seconds
        # Bound once: structlog's lazy logger would assemble itself again for each request.
        self._log = structlog.get_logger(__name__).bind()

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Name the request, by the caller's own name for it if that is a decent one."""
        given = req.get_header("X-Request-Id") or ""
        req.context.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        req.context.began_at = time.perf_counter()
        resp.set_header("X-Request-Id", req.context.request_id)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, _resource: object, _req_succeeded: bool
    ) -> None:
        """Measure and log the answer."""
        seconds = time.perf_counter() - req.context.began_at
        # The template, not the path: ids would make one series and one shape of line for each video.
        route = req.uri_template or "unmatched"
        # Clients may send any word as a method; each one would be a series of its own.
        method = req.method if req.method in falcon.HTTP_METHODS else "other"
        self._seconds.labels(method, route, resp.status_code).observe(seconds)
        if route in _QUIET_ROUTES and resp.status_code < 400:
            return
        self._log.info(
            "request",
            method=method,
            route=route,
            status=resp.status_code,
            milliseconds=round(seconds * 1000, 2),
            request_id=req.context.request_id,
        )
