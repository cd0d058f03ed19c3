"""A total deadline for HTTP exchanges. A timeout bounds only each wait, so a byte every second would go on without end.

Connections made inside `within` are shut down when the time is over.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Deadline:
    """Shuts down all connections of one exchange when its time is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_over = False

    def watch(self, connected: socket.socket) -> socket.socket:
        """Include a connection, and return it."""
        with self._lock:
            # A duplicate, because TLS takes the original over.
            self._sockets.append(connected.dup())
        if self.is_over:
            self.end()
        return connected

    def end(self) -> None:
        """Shut all connections down now."""
        with self._lock:
            self.is_over = True
            for connected in self._sockets:
                with suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the duplicated sockets."""
        with self._lock:
            for connected in self._sockets:
                connected.close()
            self._sockets.clear()


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Bound the time of all connections that a BoundedAdapter makes inside."""
    deadline = Deadline()
    timer = threading.Timer(seconds, deadline.end)
    timer.daemon = True
    timer.start()
    token = _current.set(deadline)
    try:
        yield deadline
    finally:
        _current.reset(token)
        timer.cancel()
        deadline.close()


def _watched(connected: socket.socket) -> socket.socket:
    deadline = _current.get()
    return connected if deadline is None else deadline.watch(connected)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


class _Tls(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _watched(super()._new_conn())


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


class BoundedAdapter(HTTPAdapter):
    """A transport adapter of requests whose connections `within` bounds."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create pools whose connections are watched."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
