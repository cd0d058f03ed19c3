"""Connections that keep us waiting: they cost a place in the poller, and never one of the few threads.

gunicorn hands a connection to a thread when it is opened, and lets the thread that accepts wait for clients to
close: sixteen silent clients, or one that never closes, would be enough to stop the API. Here a thread gets a
connection when the whole head of a request is there, waits for bodies only, and for those not long.
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

# For a head, and then for a body: an ingress sends both in one piece, and callbacks come from a data centre.
READ_SECONDS = 5.0
# Four times what browsers send with their largest cookies.
HEAD_BYTES_MAX = 32 * 1024
# How long a client may take to close, so that it reads our answer before the kernel throws it away.
_LINGER_SECONDS = 2.0
_PIECE_BYTES = 8192
# Of a body that nobody reads; a client that sends more is told so by the end of the connection.
_UNREAD_BYTES_MAX = 64 * 1024
_END_OF_HEAD = b"\r\n\r\n"
_NOT_NOW = (BlockingIOError, InterruptedError)


class BoundedReader(SocketUnreader):  # type: ignore[misc]
    """What has been received and not yet been parsed. Reads on until ``deadline``, and no longer."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.deadline = 0.0
        # So many of the next bytes are the rest of a body that nobody wants.
        self._unwanted = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is held, and nothing is to come but a next request."""
        return not self._unwanted and not self.held()

    def held(self) -> bytes:
        """Return the bytes that wait to be parsed."""
        received: bytes = self.buf.getvalue()
        return received

    def skip(self, count: int) -> None:
        """Throw away the next bytes, those that are here and those that are still to come."""
        received = self.held()
        self._unwanted = max(0, count - len(received))
        self.buf = io.BytesIO()
        self.buf.write(received[count:])

    def read_available(self) -> bool:
        """Take what is there without waiting. False: the client has closed."""
        try:
            piece = self.sock.recv(_PIECE_BYTES)
        except _NOT_NOW:
            return True
        except OSError:
            return False
        self.buf.seek(0, io.SEEK_END)
        self.buf.write(piece)
        if self._unwanted:
            self.skip(self._unwanted)
        return bool(piece)

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Receive more. Raises NoMoreData when it does not come in time, as if the client had gone."""
        waited = self.sock.gettimeout()
        self.sock.settimeout(max(0.0, self.deadline - time.monotonic()))
        try:
            received: bytes = super().chunk(size_hint)
        except (TimeoutError, *_NOT_NOW):
            raise NoMoreData from None
        finally:
            self.sock.settimeout(waited)
        return received


class Connection(TConn):  # type: ignore[misc]
    """One client's connection."""

    def __init__(self, cfg: Any, sock: socket.socket, client: object, server: object) -> None:
        super().__init__(cfg, sock, client, server)
        self.reader = BoundedReader(sock)
        self.parser = http.get_parser(cfg, sock, client)
        self.parser.unreader = self.reader

    @property
    def is_head_too_large(self) -> bool:
        """Tell whether a head was begun that we will not read to its end."""
        held = self.reader.held()
        return len(held) > HEAD_BYTES_MAX and _END_OF_HEAD not in held

    def needs_a_thread(self) -> bool:
        """Take what has come, and tell whether there is something to answer or to end."""
        return not self.reader.read_available() or _END_OF_HEAD in self.reader.held() or self.is_head_too_large


class BufferedThreadWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, with all waiting for clients left to the poller."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[Connection] = deque()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; a thread hears of it when there is something to do."""
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
            # At the limit gunicorn stops to accept: whoever has nothing to say makes room for who comes.
            self._evict_idle()

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Let a connection that was kept alive begin its next request, which mostly is there in one piece."""
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
        """Hand the connection to a thread as soon as that has no need to wait."""
        if _is_closed(client):
            return
        if conn.needs_a_thread():
            super().on_pending_socket_readable(conn, client)
        elif conn.reader.is_empty:
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self._keep(conn)

    def handle(self, conn: Connection) -> object:
        """Answer one request, in a thread. Returns whether the connection is kept."""
        conn.reader.deadline = time.monotonic() + READ_SECONDS
        if conn.is_head_too_large:
            self.handle_error(None, conn.sock, conn.client, LimitRequestHeaders("the head is too large"))
            return False
        return super().handle(conn)

    def _keepalive_after(self, conn: Connection, keepalive: object) -> bool:
        """Leave what nobody has read of a body to the poller, if it is little and has a length."""
        body = conn.parser.mesg.body.reader
        if keepalive and isinstance(body, LengthReader) and body.length <= _UNREAD_BYTES_MAX:
            conn.reader.skip(body.length)
            body.length = 0
        # Of other bodies only what has come already is thrown away.
        conn.reader.deadline = 0.0
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except NoMoreData:
            return False

    def finish_request(self, conn: Connection, fs: "Future[object]") -> None:
        """Keep the connection, or let it end. Runs in the thread that accepts, so nothing here may wait."""
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._let_end(conn)
        elif conn.reader.is_empty:
            self._keep(conn)
        else:
            self._await_head(conn)
            self.on_pending_socket_readable(conn, conn.sock)

    def murder_pending(self) -> None:
        """Close what has been waited for long enough."""
        super().murder_pending()
        while self._lingering and self._lingering[0].timeout <= time.monotonic():
            self._close(self._lingering.popleft())

    def _evict_idle(self) -> None:
        """Close the connection that has waited longest: between requests, else for its first one, else for its end."""
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

    def _let_end(self, conn: Connection) -> None:
        """Say that no more comes from us, and close when the client has closed (RFC 9112, 9.6)."""
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
            goes_on = bool(client.recv(_PIECE_BYTES))
        except _NOT_NOW:
            goes_on = True
        except OSError:
            goes_on = False
        if not goes_on:
            self._lingering.remove(conn)
            self._close(conn)

    def _close(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()


def _is_closed(client: socket.socket) -> bool:
    """Tell whether room was made at the cost of this client, by an event that was seen together with its own."""
    return client.fileno() < 0
