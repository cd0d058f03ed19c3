"""Changes to gunicorn: a worker drains before it stops, answers broken requests with a problem, and logs as we do."""

import math
import re
import secrets
import threading
import time
from collections.abc import Mapping
from types import FrameType, MappingProxyType
from typing import Any

import structlog
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    ParseException,
)

from webapi.http.problems import MEDIA_PROBLEM, PROBLEM_TYPES, HttpProblemError, ProblemCode, problem_body
from webapi.server.waiting import WaitingWorker
from webapi.wiring import Service

# Enough to recognise an attack, too little to fill the log.
_LOGGED_CHARACTERS_MAX = 200
# The arbiter replaces a worker that has not notified it for 30 seconds.
_NOTIFY_SECONDS = 1.0
# For a client whose request found no thread: the next ones are free within seconds.
_BUSY_RETRY_SECONDS = 5

_log = structlog.get_logger(__name__)


class DrainingWorker(WaitingWorker):
    """A worker that drains: on SIGTERM `/readyz` says 503 while requests are still answered, then the worker stops.

    gunicorn refuses connections at once, before load balancers have noticed.
    """

    # Set by `pre_fork` in gunicorn.conf.py.
    number = 0
    watches_credentials = False
    # Set by `post_worker_init` there, once the application is loaded.
    service: Service | None = None
    _notified_at = -math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain."""
        if self.service is None:
            super().handle_exit(sig, frame)
            return
        self.service.drain()
        timer = threading.Timer(self.service.drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()

    def notify(self) -> None:
        """Tell the arbiter once a second that this worker is well: one with a stuck part is replaced alone."""
        now = time.monotonic()
        if now < self._notified_at + _NOTIFY_SECONDS:
            return
        self._notified_at = now
        if self.service is not None:
            self.service.metrics.sample()
        if self.service is None or self.service.liveness.is_alive:
            super().notify()

    def probe(self, method: str, path: str) -> bytes | None:
        """Answer a probe from memory."""
        if self.service is None:
            return None
        health = self.service.probe(method, path)
        response = _response(
            health.status,
            health.body,
            media="application/json",
            request_id=secrets.token_hex(8),
            connection="keep-alive",
        )
        return response if method == "GET" else response[: -len(health.body)]

    def busy(self) -> bytes:
        """Answer that no thread became free in time."""
        problem = HttpProblemError(
            ProblemCode.TEMPORARILY_UNAVAILABLE,
            "too many requests wait for their bodies",
            headers={"Retry-After": str(_BUSY_RETRY_SECONDS)},
        )
        return _problem_response(problem, instance="", request_id=secrets.token_hex(8))

    def handle_error(self, req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer with a problem when a request cannot be parsed or its response cannot be sent."""
        request_id = secrets.token_hex(8)
        if isinstance(exc, ParseException) and not isinstance(exc, InvalidResponseHeader | InvalidResponseHeaderName):
            _log.info("request_rejected", error=str(exc)[:_LOGGED_CHARACTERS_MAX], request_id=request_id)
            # Only the kind of error: its text may contain a token.
            problem = HttpProblemError(ProblemCode.MALFORMED_REQUEST, f"not understood: {_in_words(exc)}")
        else:
            _log.error("request_failed", exc_info=exc, request_id=request_id)
            problem = HttpProblemError(ProblemCode.INTERNAL_ERROR, "an unexpected error ended the call")
        try:
            util.write_nonblock(
                client, _problem_response(problem, instance=getattr(req, "path", ""), request_id=request_id)
            )
        except OSError:
            _log.debug("client_disconnected", request_id=request_id)


class SharedLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger without handlers: it quotes URLs of broken requests, which only our handlers redact."""

    def setup(self, cfg: Config) -> None:
        """Remove gunicorn's handlers and pass its lines to the root logger."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _problem_response(problem: HttpProblemError, *, instance: str, request_id: str) -> bytes:
    body = problem_body(problem, instance=instance, request_id=request_id)
    status = PROBLEM_TYPES[problem.code].status
    return _response(status, body, media=MEDIA_PROBLEM, request_id=request_id, headers=problem.headers)


def _response(
    status: str,
    body: bytes,
    *,
    media: str,
    request_id: str,
    connection: str = "close",
    headers: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    head = (
        f"HTTP/1.1 {status}",
        f"Connection: {connection}",
        f"Content-Type: {media}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
        *(f"{name}: {value}" for name, value in headers.items()),
    )
    return "\r\n".join((*head, "", "")).encode() + body


def _in_words(error: BaseException) -> str:
    """Return ``invalid header name`` for InvalidHeaderName."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
