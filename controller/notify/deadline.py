"""The end of a connection: timeouts bound each wait for bytes, and so nothing where a byte comes every second.

Whoever connects inside `within` has its connections cut off when the time is over.
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
    """The time that all connections of one exchange may take together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[socket.socket] = []
        self.is_over = False

    def watch(self, line: socket.socket) -> socket.socket:
        """Cut this connection off too when the time is over."""
        with self._lock:
            # A handle of our own: TLS takes the first one over.
            self._lines.append(line.dup())
        if self.is_over:
            self.end()
        return line

    def end(self) -> None:
        """Cut everything off now."""
        with self._lock:
            self.is_over = True
            for line in self._lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Give the handles back."""
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Bound what is connected inside by an adapter of this module."""
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
        deadline.forget()


def _watched(line: socket.socket) -> socket.socket:
    deadline = _current.get()
    return line if deadline is None else deadline.watch(line)


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
    """Makes connections that `within` can cut off."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of those connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
