"""The operator's /livez, /readyz and /metrics. Served before the Lease is acquired: a standby is healthy too."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from runtime.heartbeats import Heartbeats

_TIMEOUT_SECONDS = 5
# Probes and scrapes come one at a time; the rest is for several scrapers.
_CONNECTIONS_MAX = 16


class ProcessHealth:
    """The state behind the probes. The process writes it, the server's threads read it."""

    def __init__(self, heartbeats: Heartbeats) -> None:
        self._heartbeats = heartbeats
        self.is_stopping = False

    def stuck(self) -> list[str]:
        """Return one line for each part that has stopped beating. A process that is ending has none."""
        return [] if self.is_stopping else [str(late) for late in self._heartbeats.late()]

    def obstacles(self) -> list[str]:
        """Return why this process neither leads nor could take over."""
        return ["stopping"] if self.is_stopping else self.stuck()


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
        """Log nothing: a client that left, or was ended for a newer one, is no error of ours."""

    def shutdown_request(self, request: Any) -> None:
        """Close the connection."""
        with self._lock:
            self._open.pop(id(request), None)
        super().shutdown_request(request)


def serve(
    health: ProcessHealth, metrics: Callable[[str], tuple[bytes, str]], *, host: str, port: int
) -> ThreadingHTTPServer:
    """Start the server in a thread; the caller shuts it down.

    ``metrics`` takes a request's Accept header, and returns the exposition with its media type.
    """

    class ProbeHandler(BaseHTTPRequestHandler):
        # For each wait for bytes.
        timeout = _TIMEOUT_SECONDS

        def do_GET(self) -> None:
            match self.path:
                case "/livez":
                    self._respond_health(health.stuck())
                case "/readyz":
                    self._respond_health(health.obstacles())
                case "/metrics":
                    self._respond(200, *metrics(self.headers.get("Accept", "")))
                case _:
                    self._respond(404, b"not found\n", "text/plain")

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def _respond_health(self, obstacles: list[str]) -> None:
            lines = [f"not ok: {obstacle}" for obstacle in obstacles] or ["ok"]
            self._respond(503 if obstacles else 200, "".join(f"{line}\n" for line in lines).encode(), "text/plain")

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
