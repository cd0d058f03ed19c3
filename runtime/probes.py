"""/livez, /readyz and /metrics of the operator, served from before the Lease is held: a standby is healthy too."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CONTENT_TYPE_LATEST


class Health:
    """What the probes tell. Written by the process, read by the server's threads."""

    def __init__(self, *, silent_seconds: float) -> None:
        self._silent_seconds = silent_seconds
        self._beat = time.monotonic()
        self.is_stopping = False
        self.is_leading = False

    def beat(self) -> None:
        """Say that the event loop turns."""
        self._beat = time.monotonic()

    def is_alive(self) -> bool:
        """Tell whether the loop turned lately; a standby has none to turn."""
        return not self.is_leading or time.monotonic() - self._beat < self._silent_seconds

    def is_ready(self) -> bool:
        """Tell whether this process leads or could take over."""
        return self.is_alive() and not self.is_stopping


def serve(health: Health, metrics: Callable[[], bytes], *, host: str, port: int) -> ThreadingHTTPServer:
    """Answer probes in a thread of their own; the caller shuts the server down. ``metrics``: the page as text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            match self.path:
                case "/livez":
                    self._say(health.is_alive())
                case "/readyz":
                    self._say(health.is_ready())
                case "/metrics":
                    self._answer(200, metrics(), CONTENT_TYPE_LATEST)
                case _:
                    self._answer(404, b"not found\n", "text/plain")

        def _say(self, is_well: bool) -> None:
            self._answer(200 if is_well else 503, b"ok\n" if is_well else b"not ok\n", "text/plain")

        def _answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Say nothing: probes come every few seconds."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return server
