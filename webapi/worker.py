"""What we change of gunicorn: how a worker stops, and where it logs."""

import sys
import threading
from types import FrameType

from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from webapi.connections import PatientWorker

SERVICE_MODULE = "webapi.wsgi"


class DrainingWorker(PatientWorker):
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


class SharedLogger(Logger):  # type: ignore[misc]
    """gunicorn's lines go where all others go: it quotes URLs of broken requests, and there they are redacted."""

    def setup(self, cfg: Config) -> None:
        """Give up the handlers of its own."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
