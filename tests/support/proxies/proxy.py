"""A proxy on loopback that a test puts before a real server: what it does to each request is the test's to say.

Requests reach the server as they came, signatures included. Long answers, such as watches, are passed on as they grow.
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

# Longer than anybody who asks is patient.
_TIMEOUT_SECONDS = 600
_CHUNK = 65536
# Of one connection only, or not the body's own.
_NOT_PASSED_ON = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Asked:
    """A request as it came. ``at``: by the monotonic clock."""

    method: str
    target: str
    body: bytes
    at: float


@dataclass(frozen=True)
class Answer:
    """The proxy answers, and the server never hears of it."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """The request stays on its way until the gate opens, and then arrives though whoever sent it may be dead."""

    limiter: threading.Event


@dataclass(frozen=True)
class Deaf:
    """Whatever the server says after ``since`` is lost on the way; the connection stays open."""

    since: threading.Event


Fault = Answer | Held | Deaf
Rule = Callable[[Asked], Fault | None]


class Proxy:
    """What a running proxy is told and what it has seen. ``rule`` may be replaced at any time."""

    def __init__(self, server_url: str, tls: ssl.SSLContext | None) -> None:
        self.rule: Rule = lambda _: None
        self.asked: list[Asked] = []
        # Statuses that the server gave to requests that had been held.
        self.arrived: list[int] = []
        self._server = urlsplit(server_url)
        self._tls = tls
        self.url = ""

    def seen(self, method: str, part: str) -> list[Asked]:
        """Return the requests of a method whose target holds ``part``, oldest first."""
        return [asked for asked in self.asked if asked.method == method and part in asked.target]

    @contextmanager
    def ask(self, asked: Asked, headers: Mapping[str, str]) -> Iterator[HTTPResponse]:
        """Pass a request on, and the answer back until the end of the block."""
        with closing(self._connection()) as connection:
            connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in _NOT_PASSED_ON:
                    connection.putheader(name, value)
            connection.endheaders(asked.body)
            with connection.getresponse() as answer:
                yield answer

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
        told = proxy

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    # Threads of streams that nobody ends would be waited for.
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
    """Run a proxy before the API server of a kubeconfig; also returns the kubeconfig of whoever asks through it."""
    told = json.loads(kubeconfig.read_text())
    cluster, user = told["clusters"][0]["cluster"], told["users"][0]["user"]
    tls = ssl.create_default_context(cadata=b64decode(cluster["certificate-authority-data"]).decode())
    if "client-key-data" in user:
        # A certificate cannot be passed on: the proxy is the administrator then.
        certificate = directory / "administrator.pem"
        certificate.write_bytes(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
        tls.load_cert_chain(certificate)
    with proxy_before(cluster["server"], tls) as proxy:
        through = directory / "through-the-proxy.kubeconfig"
        namespace = told["contexts"][0]["context"]["namespace"]
        # The API server asks nobody for a token who shows a certificate.
        token = user.get("token", "")
        write_with_token(through, cluster={"server": proxy.url}, token=token, namespace=namespace)
        yield proxy, through


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    told: Proxy

    def _pass(self) -> None:
        try:
            self._do()
        except (OSError, HTTPException):
            # Whoever asked or whoever answers is gone; the other one is to notice.
            self.close_connection = True

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, body, time.monotonic())
        fault = self.told.rule(asked)
        self.told.asked.append(asked)
        match fault:
            case Answer():
                self._begin(fault.status, {**fault.headers, "Content-Length": str(len(fault.body))})
                self.wfile.write(fault.body)
            case Held():
                fault.limiter.wait(_TIMEOUT_SECONDS)
                with self.told.ask(asked, dict(self.headers)) as answer:
                    self.told.arrived.append(answer.status)
                    self._tell(answer, None)
            case _:
                with self.told.ask(asked, dict(self.headers)) as answer:
                    self._tell(answer, fault.since if fault else None)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 - as the library looks for them

    def _tell(self, answer: HTTPResponse, deaf_since: threading.Event | None) -> None:
        """Say what the server says, as it comes."""
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _NOT_PASSED_ON}
        is_chunked = answer.length is None and self.command != "HEAD"
        self._begin(answer.status, headers | ({"Transfer-Encoding": "chunked"} if is_chunked else {}))
        while chunk := answer.read1(_CHUNK):
            if deaf_since is None or not deaf_since.is_set():
                self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
        if is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
