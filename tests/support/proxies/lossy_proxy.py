"""What stands between a client and the service in tests: it counts what passes, and loses what it is told to lose.

Clients are told its own address instead of storage's, and storage is asked under its own name, so signatures hold.
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
# Of one connection only.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"})


@dataclass(frozen=True)
class Fault:
    """What becomes of a request instead: an answer at once, or (status None) a connection that is cut.

    ``is_late``: the service does get the request, only its answer is lost.
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


class Between:
    """A proxy for one API and one storage."""

    def __init__(self, *, api_url: str, storage_url: str) -> None:
        self.api = urlsplit(api_url).netloc
        self.storage = urlsplit(storage_url).netloc
        # The numbers of parts that clients began to send, 0 for a file in one piece.
        self.begun: list[int] = []
        # Calls of the API, as "METHOD path".
        self.calls: list[str] = []
        self._rules: list[_Rule] = []
        # After so many bytes no more pass, until `released` is set.
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
        """Let ``fault`` happen to the next requests whose "METHOD path" holds ``what``, so many being spared first."""
        self._rules.append(_Rule(what, fault, times=times, spared=after))

    def fault_of(self, request: str) -> Fault | None:
        """Return what happens to a request."""
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.meets(request)), None)

    @contextmanager
    def running(self) -> Iterator["Between"]:
        """Pass requests on until the end of the block."""
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
        """Count bytes of files, and hold them up if that is asked for."""
        with self._lock:
            self._passed_bytes += count
            holds = self.hold_after_bytes is not None and self._passed_bytes >= self.hold_after_bytes
        if holds:
            self.is_holding.set()
            self.released.wait(_TIMEOUT_SECONDS)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        between = self

        class Handler(_Handler):
            pass

        Handler.between = between
        return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    between: Between

    def do_GET(self) -> None:
        """Pass a call on."""
        self._call()

    def do_POST(self) -> None:
        """Pass a call on."""
        self._call()

    def do_DELETE(self) -> None:
        """Pass a call on."""
        self._call()

    def do_PUT(self) -> None:
        """Pass bytes on to storage."""
        self.between.begun.append(int(parse_qs(urlsplit(self.path).query).get("partNumber", ["0"])[0]))
        self._pass_or_lose(self.between.storage, is_file=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
        """Write nothing."""

    def _call(self) -> None:
        self.between.calls.append(f"{self.command} {self.path}")
        self._pass_or_lose(self.between.api, is_file=False)

    def _pass_or_lose(self, netloc: str, *, is_file: bool) -> None:
        fault = self.between.fault_of(f"{self.command} {self.path}")
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
                    self.between.passed(len(data))
                upstream.send(data)
            answer = upstream.getresponse()
            content = answer.read()
            if fault is not None:
                self.close_connection = True
                return
            self._answer(answer.status, dict(answer.getheaders()), self._renamed(content))
        finally:
            upstream.close()

    def _renamed(self, content: bytes) -> bytes:
        return content.replace(self.between.storage.encode(), self.between.netloc.encode())

    def _fail(self, fault: Fault) -> None:
        # Unread bytes would be taken for the next request.
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
