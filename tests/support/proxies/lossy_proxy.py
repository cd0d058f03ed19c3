"""A proxy between a client and the service that counts requests and loses those that a test names.

It replaces the storage's address in responses by its own, and sends storage the original host, so signatures hold.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

_CHUNK_BYTES = 64 * 1024
_TIMEOUT_SECONDS = 60
# Headers of one connection only.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"})


@dataclass(frozen=True)
class Fault:
    """A response by the proxy itself, or, with status None, a closed connection.

    ``is_late``: the service receives the request and only its response is lost.
    """

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_late: bool = False


CUT = Fault(None)
LOST_ANSWER = Fault(None, is_late=True)


@dataclass
class _Rule:
    what: str
    fault: Fault
    times: int
    spared: int

    def meets(self, request: str) -> bool:
        if self.what not in request or not self.times:
            return False
        if self.spared:
            self.spared -= 1
            return False
        self.times -= 1
        return True


class LossyProxy:
    """A proxy before one API and one object storage."""

    def __init__(self, *, api_url: str, storage_url: str) -> None:
        self.api = urlsplit(api_url).netloc
        self.storage = urlsplit(storage_url).netloc
        # The part numbers that clients began to send; 0 for a file in one piece.
        self.begun: list[int] = []
        # API calls, as "METHOD path".
        self.calls: list[str] = []
        self._rules: list[_Rule] = []
        # After this many bytes of files the proxy forwards no more until `released` is set.
        self.hold_after_bytes: int | None = None
        self.is_holding = threading.Event()
        self.released = threading.Event()
        self._passed_bytes = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.netloc = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.netloc}"

    def lose(self, what: str, fault: Fault, *, times: int = 1, after: int = 0) -> None:
        """Apply ``fault`` to the next requests whose "METHOD path" contains ``what``, after ``after`` of them."""
        self._rules.append(_Rule(what, fault, times=times, spared=after))

    def fault_of(self, request: str) -> Fault | None:
        """Return the fault of a request, None if it is forwarded."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.meets(request)), None)

    @contextmanager
    def running(self) -> Iterator["LossyProxy"]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def passed(self, count: int) -> None:
        """Count bytes of files, and hold them where the test asked for it."""
        with self._lock:
            self._passed_bytes += count
            holds = self.hold_after_bytes is not None and self._passed_bytes >= self.hold_after_bytes
        if holds:
            self.is_holding.set()
            self.released.wait(_TIMEOUT_SECONDS)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        lossy_proxy = self

        class Handler(_Handler):
            pass

        Handler.lossy_proxy = lossy_proxy
        return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lossy_proxy: LossyProxy

    def do_GET(self) -> None:
        """Forward an API call."""
        self._call()

    def do_POST(self) -> None:
        """Forward an API call."""
        self._call()

    def do_DELETE(self) -> None:
        """Forward an API call."""
        self._call()

    def do_PUT(self) -> None:
        """Forward a file to storage."""
        self.lossy_proxy.begun.append(int(parse_qs(urlsplit(self.path).query).get("partNumber", ["0"])[0]))
        self._pass_or_lose(self.lossy_proxy.storage, is_file=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
        """Write no log."""

    def _call(self) -> None:
        self.lossy_proxy.calls.append(f"{self.command} {self.path}")
        self._pass_or_lose(self.lossy_proxy.api, is_file=False)

    def _pass_or_lose(self, netloc: str, *, is_file: bool) -> None:
        fault = self.lossy_proxy.fault_of(f"{self.command} {self.path}")
        if fault is not None and not fault.is_late:
            self._fail(fault)
        else:
            self._pass_on(netloc, is_file=is_file, fault=fault)

    def _pass_on(self, netloc: str, *, is_file: bool, fault: Fault | None) -> None:
        upstream = HTTPConnection(netloc, timeout=_TIMEOUT_SECONDS)
        try:
            upstream.putrequest(self.command, self.path, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"host", "connection"}:
                    upstream.putheader(name, value)
            upstream.endheaders()
            left = int(self.headers.get("Content-Length", 0))
            while left:
                data = self.rfile.read(min(left, _CHUNK_BYTES))
                if not data:
                    self.close_connection = True
                    return
                left -= len(data)
                if is_file:
                    self.lossy_proxy.passed(len(data))
                upstream.send(data)
            response = upstream.getresponse()
            content = response.read()
            if fault is not None:
                self.close_connection = True
                return
            self._answer(response.status, dict(response.getheaders()), self._renamed(content))
        finally:
            upstream.close()

    def _renamed(self, content: bytes) -> bytes:
        return content.replace(self.lossy_proxy.storage.encode(), self.lossy_proxy.netloc.encode())

    def _fail(self, fault: Fault) -> None:
        # Otherwise the server would parse unread bytes as the next request.
        self.close_connection = True
        if fault.status is not None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(fault.status, fault.headers, json.dumps({}).encode())

    def _answer(self, status: int, headers: Mapping[str, Any], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        if status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status not in {204, 304}:
            self.wfile.write(content)
