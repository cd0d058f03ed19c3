"""A gunicorn worker in which slow clients wait in the poller instead of a thread (docs/decisions/0009-slow-clients.md).

gunicorn gives a new connection to a thread at once, and its accepting thread waits for clients to close: sixteen
silent clients, or one that never closes, stop the API. Here a thread gets a connection when the whole head of a
request has arrived, and waits for its body only, for a few seconds.
"""

import errno
import io
import selectors
import socket
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
# Four times the head of a browser with its largest cookies.
HEAD_BYTES_MAX = 32 * 1024
# How long a client may take to close. If we closed first, the kernel could discard a response it has not read.
_LINGER_SECONDS = 2.0
_PIECE_BYTES = 8192
# Of a body that no resource reads. If it is longer, the connection is closed.
_UNREAD_BYTES_MAX = 64 * 1024
_END_OF_HEAD = b"\r\n\r\n"
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

    @property
    def is_head_too_large(self) -> bool:
        """True if the head of the request is longer than HEAD_BYTES_MAX."""
        buffered = self.reader.buffered()
        return len(buffered) > HEAD_BYTES_MAX and _END_OF_HEAD not in buffered

    def needs_a_thread(self) -> bool:
        """Read what has arrived; return True if there is a request to answer or a connection to end."""
        return not self.reader.read_available() or _END_OF_HEAD in self.reader.buffered() or self.is_head_too_large


class BufferedThreadWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, with the poller waiting for clients in place of the threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Connection] = deque()

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
        self._await_head(Connection(self.cfg, client, address, listener.getsockname()))
        if self.nr_conns >= self.worker_connections:
            # At the limit gunicorn stops accepting connections, so the longest-idle one is closed.
            self._evict_idle()

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Begin the next request of a connection that was kept alive; usually all of it is there."""
        if _is_closed(client):
            return
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        if conn.needs_a_thread():
            conn.data_ready = True
            self.enqueue_req(conn)
        elif conn.reader.is_empty:
            self._keep(conn)
        else:
            self._await_head(conn)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Hand the connection to a thread once the thread will not have to wait."""
        if _is_closed(client):
            return
        if conn.needs_a_thread():
            super().on_pending_socket_readable(conn, client)
        elif conn.reader.is_empty:
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self._keep(conn)

    def handle(self, conn: Connection) -> object:
        """Answer one request, in a thread. Return True if the connection is kept."""
        conn.reader.deadline = time.monotonic() + READ_SECONDS
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
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._linger(conn)
        elif conn.reader.is_empty:
            self._keep(conn)
        else:
            self._await_head(conn)
            self.on_pending_socket_readable(conn, conn.sock)

    def murder_pending(self) -> None:
        """Close the connections whose time is over."""
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout <= time.monotonic():
            self._close(self._lingering.popleft())

    def _evict_idle(self) -> None:
        """Close the longest-idle connection: one between requests, else before its first, else one that lingers."""
        for waiting in (self.keepalived_conns, self.pending_conns, self._lingering):
            if waiting:
                self._close(waiting.popleft())
                return

    def _await_head(self, conn: Connection) -> None:
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
        if _is_closed(client):
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


def _is_closed(client: socket.socket) -> bool:
    """Return whether this connection was evicted by an earlier event of the same poll."""
    return client.fileno() < 0
