"""A gunicorn worker in which slow clients wait in the poller instead of a thread (docs/decisions/0009-slow-clients.md).

gunicorn gives a new connection to a thread at once, and its accepting thread waits for clients to close: sixteen
silent clients, or one that never closes, stop the API. Here the poller gathers the head of a request and its body, if
that is small. A thread waits only for bodies that are large or of unknown length, and only a few threads do.

Probes are answered by the poller itself: they need no thread, so no upstream that hangs can make them fail.
"""

import errno
import io
import re
import selectors
import socket
import struct
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn import http  # type: ignore[import-untyped]
from gunicorn.http.body import LengthReader  # type: ignore[import-untyped]
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData  # type: ignore[import-untyped]
from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker  # type: ignore[import-untyped]

# This module overrides internals of gthread; a unit test fails when another version is installed.
GUNICORN_VERSION = "27.0.1"
# For a head, and again for a body: an ingress sends each in one piece, and callbacks come from a data centre.
READ_SECONDS = 5.0
# For the client to take the next piece of its response.
_SEND_SECONDS = 5
# Four times the head of a browser with its largest cookies.
HEAD_BYTES_MAX = 32 * 1024
# How long a client may take to close. If we closed first, the kernel could discard a response it has not read.
_LINGER_SECONDS = 2.0
_PIECE_BYTES = 8192
# The longest unread body that is discarded. After a longer one the connection is closed.
_UNREAD_BYTES_MAX = 64 * 1024
# The longest body that the poller gathers. No JSON body that a call accepts is longer.
GATHERED_BYTES_MAX = 64 * 1024
# One in so many threads may wait for the body of a request.
_SLOW_SHARE = 4
# How many such requests wait for one of those threads, and how long.
_SLOW_WAITING_MAX = 64
_SLOW_SECONDS = 10.0
_END_OF_HEAD = b"\r\n\r\n"
# A probe as kubelets and load balancers send it. Anything unusual is left to the parser: they send far less than this.
_PROBE_BYTES_MAX = 2048
_PROBE_HEADERS_MAX = 32
_PROBE = re.compile(
    rb"(GET|HEAD) (/livez|/readyz) HTTP/1\.1\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n)*)\r\n"
)
_HEADER = re.compile(rb"\r\n(content-length|transfer-encoding|expect|connection)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_NOT_NOW = (BlockingIOError, InterruptedError)


class BoundedReader(SocketUnreader):  # type: ignore[misc]
    """Buffer of received bytes that are not parsed yet. Blocking reads end at ``deadline`` (monotonic seconds)."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.deadline = 0.0
        # How many of the next bytes belong to an unread body and are discarded.
        self._to_discard = 0

    @property
    def is_empty(self) -> bool:
        """True if the buffer is empty and the next byte begins a request."""
        return not self._to_discard and not self.buffered()

    def buffered(self) -> bytes:
        """Return the bytes that are not parsed yet."""
        received: bytes = self.buf.getvalue()
        return received

    def skip(self, count: int) -> None:
        """Discard the next ``count`` bytes, buffered or still to come."""
        received = self.buffered()
        self._to_discard = max(0, count - len(received))
        self.buf = io.BytesIO()
        self.buf.write(received[count:])

    def read_available(self) -> bool:
        """Read what has arrived, without waiting. Return False if the client has closed."""
        try:
            piece = self.sock.recv(_PIECE_BYTES)
        except _NOT_NOW:
            return True
        except OSError:
            return False
        self.buf.seek(0, io.SEEK_END)
        self.buf.write(piece)
        if self._to_discard:
            self.skip(self._to_discard)
        return bool(piece)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Read more, waiting until the deadline. Raises NoMoreData when it passes, as if the client had closed."""
        timeout = self.sock.gettimeout()
        self.sock.settimeout(max(0.0, self.deadline - time.monotonic()))
        try:
            received: bytes = super().chunk(size_hint)
        except (TimeoutError, *_NOT_NOW):
            raise NoMoreData from None
        finally:
            self.sock.settimeout(timeout)
        return received


class Connection(TConn):  # type: ignore[misc]
    """A client's connection, with a bounded reader under gunicorn's parser."""

    def __init__(self, cfg: Any, sock: socket.socket, client: object, server: object) -> None:
        super().__init__(cfg, sock, client, server)
        self.reader = BoundedReader(sock)
        self.parser = http.get_parser(cfg, sock, client)
        self.parser.unreader = self.reader

        # A client that reads nothing holds a thread for no longer than this.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_SECONDS, 0))
        # True once the head is there and the poller waits for the body.
        self.awaits_body = False
        # True if a thread has to wait for the body.
        self.is_slow = False
        # True if the poller has waited for the body in vain.
        self.is_late = False

    @property
    def is_head_too_large(self) -> bool:
        """True if the head of the request is longer than HEAD_BYTES_MAX."""
        buffered = self.reader.buffered()
        return len(buffered) > HEAD_BYTES_MAX and _END_OF_HEAD not in buffered

    def needs_a_thread(self) -> bool:
        """Return whether there is a request to answer. Sets ``is_slow`` if a thread has to wait for its body."""
        received = self.reader.buffered()
        end = received.find(_END_OF_HEAD)
        self.awaits_body = self.is_slow = False
        if end < 0:
            return len(received) > HEAD_BYTES_MAX
        missing_bytes = _body_bytes(received[:end])
        if missing_bytes is None:
            self.is_slow = True
            return True
        missing_bytes -= len(received) - end - len(_END_OF_HEAD)
        self.awaits_body = missing_bytes > 0
        return not self.awaits_body

    def take_probe(self) -> tuple[str, str, bool] | None:
        """Take a probe out of the buffer; return its method, its path and whether the connection is kept."""
        received = self.reader.buffered()
        probe = _PROBE.match(received, 0, _PROBE_BYTES_MAX)
        if probe is None:
            return None
        headers = [line.partition(b":") for line in probe[3].splitlines()]
        named = {name.lower(): value.strip().lower() for name, _, value in headers}
        if len(headers) > _PROBE_HEADERS_MAX or len(named) < len(headers):
            return None
        if named.get(b"content-length", b"0") != b"0" or named.keys() & {b"transfer-encoding", b"expect"}:
            return None
        self.reader.skip(probe.end())
        return probe[1].decode(), probe[2].decode(), named.get(b"connection", b"keep-alive") == b"keep-alive"


class BufferedThreadWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, with the poller waiting for clients in place of the threads."""

    connection_class = Connection

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Connection] = deque()
        # Requests that wait for one of the threads that may wait for a body.
        self._slow: deque[Connection] = deque()
        self._slow_free = max(1, self.cfg.threads // _SLOW_SHARE)

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and let the poller wait for its first request."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._evict_idle()
            elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        self._await_rest(self.connection_class(self.cfg, client, address, listener.getsockname()))
        if self.nr_conns >= self.worker_connections:
            # At the limit gunicorn stops accepting connections, so the longest-idle one is closed.
            self._evict_idle()

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Begin the next request of a connection that was kept alive; usually all of it is there."""
        if is_closed(client):
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._proceed(conn, is_open=conn.reader.read_available())

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Hand the connection to a thread once the thread will not have to wait."""
        if is_closed(client):
            return
        is_open, awaited_body = conn.reader.read_available(), conn.awaits_body
        # Most pieces complete nothing; the time of a head or of a body does not begin again with each of them.
        if is_open and not conn.needs_a_thread() and conn.awaits_body == awaited_body and not conn.reader.is_empty:
            return
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self._proceed(conn, is_open=is_open)

    def probe(self, method: str, path: str) -> bytes | None:
        """Return the whole response to a probe, without waiting for anything; None leaves it to the application."""
        del method, path
        return None

    def _proceed(self, conn: Connection, *, is_open: bool) -> None:
        """Do what the received bytes allow. The connection is in no list and not in the poller."""
        while is_open and (probe := conn.take_probe()) is not None:
            method, path, is_kept = probe
            response = self.probe(method, path)
            if response is None or not sends_at_once(conn.sock, response) or not (is_kept and self.alive):
                self._linger(conn)
                return
        if not is_open or conn.needs_a_thread():
            conn.data_ready = True
            self.enqueue_req(conn)
        elif conn.reader.is_empty:
            self._keep(conn)
        else:
            self._await_rest(conn)

    def enqueue_req(self, conn: Connection) -> None:
        """Give the connection to a thread; a slow one to one of the few threads that may wait for bodies."""
        if not conn.is_slow or self._slow_free > 0:
            self._slow_free -= conn.is_slow
            super().enqueue_req(conn)
        elif len(self._slow) < _SLOW_WAITING_MAX:
            conn.timeout = time.monotonic() + _SLOW_SECONDS
            self._slow.append(conn)
        else:
            self._turn_away(conn)

    def handle(self, conn: Connection) -> object:
        """Answer one request, in a thread. Return True if the connection is kept."""
        conn.reader.deadline = 0.0 if conn.is_late else time.monotonic() + READ_SECONDS
        if conn.is_head_too_large:
            self.handle_error(None, conn.sock, conn.client, LimitRequestHeaders("the head is too large"))
            return False
        return super().handle(conn)

    def _keepalive_after(self, conn: Connection, keepalive: object) -> bool:
        """Let the poller discard the unread rest of a body, if it is short and its length is known."""
        body = conn.parser.mesg.body.reader
        if keepalive and isinstance(body, LengthReader) and body.length <= _UNREAD_BYTES_MAX:
            conn.reader.skip(body.length)
            body.length = 0
        # Of any other body, gunicorn discards only what has arrived already.
        conn.reader.deadline = 0.0
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except NoMoreData:
            return False

    def finish_request(self, conn: Connection, fs: "Future[object]") -> None:
        """Keep the connection or end it. Runs in the accepting thread, so nothing here may wait."""
        self._release_thread(conn)
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._linger(conn)
        else:
            conn.sock.setblocking(False)
            self._proceed(conn, is_open=conn.reader.is_empty or conn.reader.read_available())

    def murder_pending(self) -> None:
        """Stop waiting for clients whose time is over. A request without its whole body is answered all the same."""
        now = time.monotonic()
        while self.pending_conns and self.pending_conns[0].timeout <= now:
            conn = self.pending_conns.popleft()
            if conn.awaits_body:
                self.poller.unregister(conn.sock)
                conn.is_late = conn.data_ready = True
                self.enqueue_req(conn)
            else:
                self._close(conn)
        while self._slow and self._slow[0].timeout <= now:
            self._turn_away(self._slow.popleft())
        while self._lingering and self._lingering[0].timeout <= time.monotonic():
            self._close(self._lingering.popleft())

    def _evict_idle(self) -> None:
        """Close the longest-idle connection: one between requests, else before its first, else one that lingers."""
        for waiting in (self.keepalived_conns, self.pending_conns, self._lingering):
            if waiting:
                self._close(waiting.popleft())
                return

    def busy(self) -> bytes:
        """Return the whole response to a request that found no thread in time."""
        return b""

    def _turn_away(self, conn: Connection) -> None:
        sends_at_once(conn.sock, self.busy())
        self._linger(conn)

    def _release_thread(self, conn: Connection) -> None:
        """Give the thread of a slow request to the next one."""
        conn.is_late = False
        if not conn.is_slow:
            return
        conn.is_slow = False
        self._slow_free += 1
        if self._slow:
            self.enqueue_req(self._slow.popleft())

    def _await_rest(self, conn: Connection) -> None:
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + READ_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def _keep(self, conn: Connection) -> None:
        conn.sock.setblocking(False)
        conn.set_timeout()
        if not self.alive:
            conn.timeout = min(conn.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _linger(self, conn: Connection) -> None:
        """Send FIN, then close when the client has closed or lingered too long (RFC 9112, 9.6)."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_lingering_readable, conn))
        except (OSError, ValueError):
            self.nr_conns -= 1
            conn.close()
            return
        conn.timeout = time.monotonic() + _LINGER_SECONDS
        self._lingering.append(conn)

    def _on_lingering_readable(self, conn: Connection, client: socket.socket) -> None:
        if is_closed(client):
            return
        try:
            is_open = bool(client.recv(_PIECE_BYTES))
        except _NOT_NOW:
            is_open = True
        except OSError:
            is_open = False
        if not is_open:
            self._lingering.remove(conn)
            self._close(conn)

    def _close(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def _body_bytes(head: bytes) -> int | None:
    """Return how long the body after a head is; None if a thread has to find out, because it is large or unknown.

    This only decides where to wait. Where a request ends is decided by gunicorn's parser.
    """
    named = [(name.lower(), value.strip()) for name, value in _HEADER.findall(head)]
    lengths = [value for name, value in named if name == b"content-length"]
    if any(name in (b"transfer-encoding", b"expect") for name, _ in named):
        return None
    # A malformed length is refused by the parser before any body is read.
    length = int(lengths[0]) if lengths and re.fullmatch(rb"[0-9]{1,9}", lengths[0]) else 0
    return length if length <= GATHERED_BYTES_MAX else None


def sends_at_once(client: socket.socket, response: bytes) -> bool:
    """Return whether a short response fits into the client's buffer as a whole."""
    try:
        return client.send(response, socket.MSG_DONTWAIT) == len(response)
    except OSError:
        return False


def is_closed(client: socket.socket) -> bool:
    """Return whether this connection was evicted by an earlier event of the same poll."""
    return client.fileno() < 0
