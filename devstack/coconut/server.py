"""The HTTP side: Coconut's routes under ``/v2``, those for tests under ``/_…``, and the faults of responses."""

import base64
import hmac
import json
import logging
import select
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from devstack.coconut.faults import BadFaultError, Faults
from devstack.coconut.fields import RefusedJobError
from devstack.coconut.job import JobRecord, OutputState, new_job_id
from devstack.coconut.request import parse_request
from devstack.coconut.runner import Runner
from devstack.coconut.store import JobStore

MAX_BODY_BYTES = 2**20
HANG_SECONDS = 60
RETRY_AFTER_SECONDS = 2
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HandlerContext:
    """The dependencies of the handlers."""

    api_key: str
    store: JobStore
    faults: Faults
    runner: Runner


@dataclass(frozen=True)
class Response:
    """An HTTP response. Without a payload its body is empty."""

    status: int
    payload: object = None
    headers: tuple[tuple[str, str], ...] = ()


class BadRequestError(Exception):
    """The request is not valid HTTP for this server."""


class CoconutHttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, parts: HandlerContext, *, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), CoconutHandler)
        self.parts = parts


class CoconutHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "coconut-standin"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body are sent together
    timeout = 120
    server: CoconutHttpServer

    def do_GET(self) -> None:
        self._respond("GET")

    def do_POST(self) -> None:
        self._respond("POST")

    def do_PUT(self) -> None:
        self._respond("PUT")

    def do_DELETE(self) -> None:
        self._respond("DELETE")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        _log.debug(format, *args)

    def _respond(self, method: str) -> None:
        try:
            body = self._body()
            response = self._route(
                method, [unquote(part) for part in urlsplit(self.path).path.split("/") if part], body
            )
        except BadRequestError as error:
            self.close_connection = True
            response = _error(400, "bad_request", str(error))
        except RefusedJobError as error:
            response = _error(400, error.code, str(error))
        except BadFaultError as error:
            response = _error(400, "fault_not_valid", str(error))
        if response is None:
            self.close_connection = True
            return
        self._send(response)

    def _route(self, method: str, path: list[str], body: bytes) -> Response | None:
        inner = path[1:] if path[:1] == ["v2"] else path
        if inner and inner[0].startswith("_"):
            return self._control(method, inner[0], body)
        if inner is path:
            return Response(404)
        if not self._is_authenticated():
            return _error(401, "authentication_failed", "HTTP Basic: Access denied.")
        return self._coconut(method, inner, body)

    def _coconut(self, method: str, path: list[str], body: bytes) -> Response | None:
        match method, path:
            case "POST", ["jobs"]:
                return self._create(body)
            case "GET", ["jobs", job_id]:
                return self._shown(job_id)
            case "GET", ["metadata", "jobs", job_id]:
                return self._metadata(job_id)
        return Response(404)

    def _control(self, method: str, name: str, body: bytes) -> Response:
        parts = self.server.parts
        match method, name:
            case "GET", "_ledger":
                return Response(200, parts.store.ledger())
            case "GET", "_faults":
                return Response(200, parts.faults.values())
            case "PUT", "_faults":
                return Response(200, parts.faults.set(_json(body)))
            case "DELETE", "_faults":
                return Response(200, parts.faults.clear())
        return Response(404)

    def _create(self, body: bytes) -> Response | None:
        faults = self.server.parts.faults
        if faults.strikes("http_429"):
            return Response(429, headers=(("Retry-After", str(RETRY_AFTER_SECONDS)),))
        if faults.strikes("http_5xx_before"):
            return Response(500)
        job = self._accept(body)
        if faults.strikes("http_5xx_after"):
            return Response(500)
        if faults.strikes("hang_after"):
            self._hang()
            return None
        return Response(201, job.body())

    def _hang(self) -> None:
        """Hold the connection without a response until the client closes it or a time limit passes."""
        poll = select.poll()
        poll.register(self.connection, select.POLLIN | select.POLLHUP)
        poll.poll(HANG_SECONDS * 1000)

    def _accept(self, body: bytes) -> JobRecord:
        parts, request, now = self.server.parts, parse_request(_json(body)), datetime.now(UTC)
        job = JobRecord(
            id=new_job_id(), created_at=now, outputs=tuple(OutputState.of(output) for output in request.outputs)
        )
        parts.store.accept(job, request.notification.reference(), at=now)
        parts.runner.submit(job, request, parts.faults.of_job())
        return job

    def _shown(self, job_id: str) -> Response:
        job = self.server.parts.store.job(job_id)
        return Response(200, job.body()) if job else Response(404)

    def _metadata(self, job_id: str) -> Response:
        job = self.server.parts.store.job(job_id)
        return Response(200, job.metadata_body()) if job else Response(404)

    def _is_authenticated(self) -> bool:
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        expected = base64.b64encode(f"{self.server.parts.api_key}:".encode())
        return scheme.lower() == "basic" and hmac.compare_digest(credentials.strip().encode(), expected)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            raise BadRequestError("the body needs a Content-Length")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()) or int(length[:10]) > MAX_BODY_BYTES or len(length) > 10:
            raise BadRequestError(f"the body must be at most {MAX_BODY_BYTES} bytes")
        return self.rfile.read(int(length))

    def _send(self, response: Response) -> None:
        body = b"" if response.payload is None else json.dumps(response.payload).encode()
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        if body:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _json(body: bytes) -> object:
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedJobError("json_not_valid", "the body is not valid JSON") from error
    return value


def _error(status: int, code: str, message: str) -> Response:
    return Response(status, {"message": message, "error_code": code, "status": "error"})
