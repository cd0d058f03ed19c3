"""The operator's /livez, /readyz and /metrics. Served before the Lease is acquired: a standby is healthy too."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST


class Health:
    """The state behind the probes. The process writes it, the server's threads read it."""

    def __init__(self, *, silent_seconds: float) -> None:
        """``silent_seconds``: a leader whose event loop has not run for so long counts as dead."""
        self._silent_seconds = silent_seconds
        self._beat = time.monotonic()
        self.is_stopping = False
        self.is_leading = False

    def beat(self) -> None:
        """Record that the event loop is running."""
        self._beat = time.monotonic()

    def is_alive(self) -> bool:
        """Return whether the event loop ran lately. A standby has no event loop and counts as alive."""
        return not self.is_leading or time.monotonic() - self._beat < self._silent_seconds

    def is_ready(self) -> bool:
        """Return whether this process leads or could take over."""
        return self.is_alive() and not self.is_stopping


def serve(health: Health, metrics: Callable[[], bytes], *, host: str, port: int) -> ThreadingHTTPServer:
    """Start the server in a thread; the caller shuts it down. ``metrics`` returns the exposition text."""

    class ProbeHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/livez":
                    self._respond_health(health.is_alive())
                case "/readyz":
                    self._respond_health(health.is_ready())
                case "/metrics":
                    self._respond(200, metrics(), CONTENT_TYPE_LATEST)
                case _:
                    self._respond(404, b"not found\n", "text/plain")

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def _respond_health(self, is_healthy: bool) -> None:
            self._respond(200 if is_healthy else 503, b"ok\n" if is_healthy else b"not ok\n", "text/plain")

        def _respond(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Log nothing: probes come every few seconds."""

    server = ThreadingHTTPServer((host, port), ProbeHandler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return server
