"""A receiver of webhooks on the loopback address: it records requests and responds as a test sets it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook


@dataclass(frozen=True)
class Received:
    """One request. Names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        """Return the id by which receivers recognise repetitions."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Return what it says. Raises WebhookVerificationError unless the secret signed it."""
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Receiver:
    """A running receiver. ``replies``: the next answers by path; afterwards it accepts."""

    def __init__(self, host: str) -> None:
        self.received: list[Received] = []
        self.replies: dict[str, list[Reply]] = {}
        # Requests to this path wait until the test releases them.
        self.slow_path: str | None = None
        self.free = threading.Event()
        self._server = ThreadingHTTPServer((host, 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def url(self, path: str = "/hooks") -> str:
        """Return where an endpoint is."""
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        """Return what came to one path."""
        return [one for one in self.received if one.path == path]

    def reply(self, received: Received) -> Reply:
        """Return the answer to one request."""
        self.received.append(received)
        if received.path == self.slow_path:
            self.free.wait(60)
        waiting = self.replies.get(received.path, [])
        return waiting.pop(0) if waiting else Reply()

    @contextmanager
    def serving(self) -> Iterator["Receiver"]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self.free.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def speak_tls(self, context: Any) -> None:
        """Wrap the socket before serving."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = receiver.reply(Received(self.path, headers, body))
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
