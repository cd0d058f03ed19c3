"""The operator's /livez, /readyz and /metrics. Served before the Lease is acquired: a standby is healthy too."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST

_TIMEOUT_SECONDS = 5
# Probes and scrapes come one at a time; the rest is for several scrapers.
_CONNECTIONS_MAX = 16


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


class _BoundedServer(ThreadingHTTPServer):
    """A server with a limit of connections, each of which has a thread. A new one ends the oldest."""

    daemon_threads = True

    def __init__(self, *args: Any) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, socket.socket] = {}
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for the connection, and end the oldest one if there are too many."""
        with self._lock:
            if len(self._open) >= _CONNECTIONS_MAX:
                oldest = self._open.pop(next(iter(self._open)))
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._open[id(request)] = request
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that left, or was ended for a newer one, is no error of ours."""

    def shutdown_request(self, request: Any) -> None:
        """Close the connection."""
        with self._lock:
            self._open.pop(id(request), None)
        super().shutdown_request(request)


def serve(health: Health, metrics: Callable[[], bytes], *, host: str, port: int) -> ThreadingHTTPServer:
    """Start the server in a thread; the caller shuts it down. ``metrics`` returns the exposition text."""

    class ProbeHandler(BaseHTTPRequestHandler):
        # For each wait for bytes.
        timeout = _TIMEOUT_SECONDS

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

    server = _BoundedServer((host, port), ProbeHandler)
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return server
