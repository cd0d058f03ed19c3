"""gunicorn's threaded worker, with a stop that load balancers can notice before connections are refused."""

import sys
import threading
from types import FrameType

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

SERVICE_MODULE = "webapi.wsgi"


class DrainingWorker(ThreadWorker):  # type: ignore[misc]
    """On SIGTERM: `/readyz` says 503 at once, requests are still taken for a while, then the worker stops."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain."""
        service = sys.modules[SERVICE_MODULE].service
        service.drain()
        timer = threading.Timer(service.drain_seconds, super().handle_exit, (sig, frame))
        timer.daemon = True
        timer.start()
