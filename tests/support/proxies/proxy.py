"""A proxy on loopback before a real server. The test decides what happens to each request.

Requests are forwarded unchanged, signatures included. Long responses, such as watches, are forwarded as they arrive.
"""

import json
import ssl
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from devstack.kubeconfig import write_with_token
from devstack.ports import HOST

# Longer than the timeout of any client in the tests.
_TIMEOUT_SECONDS = 600
_CHUNK = 65536
# Headers of one connection only, or such that the body's encoding changes.
_NOT_PASSED_ON = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class ProxiedRequest:
    """A request as it arrived. ``at`` is of the monotonic clock."""

    method: str
    target: str
    body: bytes
    at: float


@dataclass(frozen=True)
class Respond:
    """The proxy responds, and the server does not receive the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HoldRequest:
    """The server receives the request when the gate opens, even if the sender is dead by then."""

    gate: threading.Event


@dataclass(frozen=True)
class DropResponse:
    """Everything that the server sends after ``since`` is lost; the connection stays open."""

    since: threading.Event


Fault = Respond | HoldRequest | DropResponse
Rule = Callable[[ProxiedRequest], Fault | None]


class Proxy:
    """A running proxy: its rule, which may be replaced at any time, and the requests so far."""

    def __init__(self, server_url: str, tls: ssl.SSLContext | None) -> None:
        self.rule: Rule = lambda _: None
        self.requests: list[ProxiedRequest] = []
        # The statuses of the server's responses to requests that had been held.
        self.arrived: list[int] = []
        self._server = urlsplit(server_url)
        self._tls = tls
        self.url = ""

    def requests_to(self, method: str, part: str) -> list[ProxiedRequest]:
        """Return the requests of a method whose target holds ``part``, oldest first."""
        return [request for request in self.requests if request.method == method and part in request.target]

    @contextmanager
    def forward(self, request: ProxiedRequest, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
        """Forward a request and yield the server's response."""
        with closing(self._connection()) as connection:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    connection.putheader(name, value)
            connection.endheaders(request.body)
            with connection.getresponse() as response:
                yield response

    def _connection(self) -> HTTPConnection:
        host, port = str(self._server.hostname), self._server.port
        if self._tls is None:
            return HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
        return HTTPSConnection(host, port, timeout=_TIMEOUT_SECONDS, context=self._tls)


@contextmanager
def proxy_before(server_url: str, tls: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Run a proxy until the end of the block."""
    proxy = Proxy(server_url, tls)

    class Handler(_Handler):
        pass

    Handler.proxy = proxy
    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    # Otherwise closing waits for the threads of endless streams.
    server.block_on_close = False
    proxy.url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def proxy_before_cluster(kubeconfig: Path, directory: Path) -> Iterator[tuple[Proxy, Path]]:
    """Run a proxy before the API server of a kubeconfig, and yield it with a kubeconfig that uses it."""
    config = json.loads(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
    if "client-key-data" in user:
        # A client certificate cannot be forwarded, so the proxy uses the administrator's.
        certificate = directory / "administrator.pem"
        certificate.write_bytes(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
        tls.load_cert_chain(certificate)
    with proxy_before(cluster["server"], tls) as proxy:
        through = directory / "through-the-proxy.kubeconfig"
        namespace = config["contexts"][0]["context"]["namespace"]
        # With a certificate the API server needs no token.
        token = user.get("token", "")
        write_with_token(through, cluster={"server": proxy.url}, token=token, namespace=namespace)
        yield proxy, through


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def _pass(self) -> None:
        try:
            self._do()
        except (OSError, HTTPException):
            # One side is gone, and the other has to notice it.
            self.close_connection = True

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = ProxiedRequest(self.command, self.path, body, time.monotonic())
        fault = self.proxy.rule(request)
        self.proxy.requests.append(request)
        match fault:
            case Respond():
                self._begin(fault.status, {**fault.headers, "Content-Length": str(len(fault.body))})
                self.wfile.write(fault.body)
            case HoldRequest():
                fault.gate.wait(_TIMEOUT_SECONDS)
                with self.proxy.forward(request, dict(self.headers)) as response:
                    self.proxy.arrived.append(response.status)
                    self._send_response(response, None)
            case _:
                with self.proxy.forward(request, dict(self.headers)) as response:
                    self._send_response(response, fault.since if fault else None)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - as the library looks for them

    def _send_response(self, response: HTTPResponse, lost_since: threading.Event | None) -> None:
        """Send the server's response as it arrives."""
        headers = {name: value for name, value in response.getheaders() if name.lower() not in _NOT_PASSED_ON}
        is_chunked = response.length is None and self.command != "HEAD"
        self._begin(response.status, headers | ({"Transfer-Encoding": "chunked"} if is_chunked else {}))
        while chunk := response.read1(_CHUNK):
            if lost_since is None or not lost_since.is_set():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Write no log."""
