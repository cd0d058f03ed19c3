"""What we change of gunicorn: how a worker stops, what it says to broken requests, and where it logs."""

import re
import secrets
import sys
import threading
from types import FrameType
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

from webapi.http.problems import MEDIA_PROBLEM, PROBLEM_TYPES, ProblemCode, ProblemError, problem_body
from webapi.server.connections import BufferedThreadWorker

SERVICE_MODULE = "webapi.wsgi"
# Enough to see what somebody tried, not enough to fill the log with.
_LOGGED_CHARACTERS_MAX = 200

_log = structlog.get_logger(__name__)


class DrainingWorker(BufferedThreadWorker):
    """On SIGTERM: `/readyz` says 503 at once, requests are still taken for a while, then the worker stops.

    gunicorn's own way, to refuse connections at once, is faster than load balancers notice.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain."""
        service = sys.modules[SERVICE_MODULE].service
        service.drain()
        timer = threading.Timer(service.drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()

    def handle_error(self, req: Any, client: Any, _addr: Any, exc: BaseException) -> None:
        """Answer with a problem, like everything else, what never became a request or was lost on its way out."""
        request_id = secrets.token_hex(8)
        if isinstance(exc, ParseException) and not isinstance(exc, InvalidResponseHeader | InvalidResponseHeaderName):
            _log.info("request not understood", detail=str(exc)[:_LOGGED_CHARACTERS_MAX], request_id=request_id)
            # Only the kind of mistake: the words themselves may hold a token.
            problem = ProblemError(ProblemCode.MALFORMED_REQUEST, f"not understood: {_in_words(exc)}")
        else:
            _log.error("unexpected error", exc_info=exc, request_id=request_id)
            problem = ProblemError(ProblemCode.INTERNAL_ERROR, "the call could not be finished")
        try:
            util.write_nonblock(client, _answer(problem, instance=getattr(req, "path", ""), request_id=request_id))
        except OSError:
            _log.debug("client gone", request_id=request_id)


class SharedLogger(Logger):  # type: ignore[misc]
    """gunicorn's lines go where all others go: it quotes URLs of broken requests, and there they are redacted."""

    def setup(self, cfg: Config) -> None:
        """Give up the handlers of its own."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


def _answer(problem: ProblemError, *, instance: str, request_id: str) -> bytes:
    body = problem_body(problem, instance=instance, request_id=request_id)
    head = (
        f"HTTP/1.1 {PROBLEM_TYPES[problem.code].status}",
        "Connection: close",
        f"Content-Type: {MEDIA_PROBLEM}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        f"X-Request-Id: {request_id}",
    )
    return "\r\n".join((*head, "", "")).encode() + body


def _in_words(error: BaseException) -> str:
    """Return ``invalid header name`` for InvalidHeaderName."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", type(error).__name__).lower()
