"""A total deadline for exchanges. A timeout bounds only each wait, so a byte every second would continue without end.

Connections that are opened or used again inside `within` are shut down when its time is over, and what reads from them
ends with an error. Looking up a name is not covered: the resolver has its own timeouts.
"""

import heapq
import itertools
import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from runtime import time_budget
from runtime.tls import shared_context

_PIECE_BYTES = 8192


class Deadline:
    """Shuts down all connections of one exchange when its time is over."""

    def __init__(self, outer: "Deadline | None" = None) -> None:
        """``outer`` surrounds this one: its end is the end of all connections too."""
        self._outer = outer
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self.is_over = False

    def watch(self, connected: socket.socket) -> socket.socket:
        """Include a connection, and return it."""
        if self._outer is not None:
            self._outer.watch(connected)
        with self._lock:
            # A duplicate, because TLS takes the original over.
            self._sockets.append(socket.socket(fileno=os.dup(connected.fileno())))
        if self.is_over:
            self.end()
        return connected

    def end(self) -> None:
        """Shut every connection down now."""
        with self._lock:
            self.is_over = True
            for connected in self._sockets:
                with suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the duplicated sockets; the connections stay as they are."""
        with self._lock:
            for connected in self._sockets:
                connected.close()
            self._sockets.clear()


class _Alarms:
    """Ends deadlines when their time is over. One thread for all: starting one for each cost more than the exchange."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Deadline]] = []
        self._waiting: set[Deadline] = set()
        self._numbers = itertools.count()
        # When the thread looks again by itself: most deadlines are cancelled before, and need no look of their own.
        self._looks_at = math.inf
        self._thread: threading.Thread | None = None

    def set(self, deadline: Deadline, seconds: float) -> None:
        """End ``deadline`` after so many seconds, unless it is cancelled before."""
        end = time.monotonic() + seconds
        with self._changed:
            heapq.heappush(self._heap, (end, next(self._numbers), deadline))
            self._waiting.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif end < self._looks_at:
                self._changed.notify()

    def cancel(self, deadline: Deadline) -> None:
        """Forget a deadline."""
        with self._changed:
            self._waiting.discard(deadline)
            # Others that were cancelled leave when they come to the front, at the end of their time at the latest.
            while self._heap and self._heap[0][2] not in self._waiting:
                heapq.heappop(self._heap)

    def _run(self) -> None:
        while True:
            self._next().end()

    def _next(self) -> Deadline:
        """Wait for the next deadline whose time is over."""
        with self._changed:
            while True:
                self._looks_at = self._heap[0][0] if self._heap else math.inf
                left = self._looks_at - time.monotonic()
                if left <= 0:
                    _, _, deadline = heapq.heappop(self._heap)
                    if deadline in self._waiting:
                        self._waiting.discard(deadline)
                        return deadline
                else:
                    self._changed.wait(left if self._heap else None)


_alarms = _Alarms()


def _after_fork() -> None:
    global _alarms  # noqa: PLW0603 - the thread and a lock that it held stayed in the parent
    _alarms = _Alarms()


os.register_at_fork(after_in_child=_after_fork)

_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def lasting(seconds: float) -> Iterator[Deadline]:
    """Make a deadline for the connections that are opened inside `watching` it. Others made inside it does not end."""
    deadline = Deadline(_current.get())
    _alarms.set(deadline, seconds)
    try:
        yield deadline
    finally:
        _alarms.cancel(deadline)
        deadline.close()


@contextmanager
def watching(deadline: Deadline) -> Iterator[None]:
    """Let a deadline end the connections that are opened or used again inside."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def within(seconds: float) -> Iterator[Deadline]:
    """Bound the exchanges made inside. What was read when ``is_over`` is true may be cut short.

    Raises BudgetSpentError before anything is sent if there is no time for another exchange.
    """
    time_budget.check()
    with lasting(seconds) as deadline, watching(deadline):
        yield deadline


def watched(connected: socket.socket) -> socket.socket:
    """Return a connection that the surrounding `within`, if there is one, shuts down."""
    deadline = _current.get()
    return connected if deadline is None else deadline.watch(connected)


def exchange(
    method: str,
    url: str,
    *,
    longest_seconds: float,
    timeout_seconds: tuple[float, float],
    bytes_max: int,
    **options: Any,
) -> requests.Response:
    """Make one HTTP request on a connection of its own, and read the whole response. Follows no redirect.

    ``timeout_seconds``: for connecting, and for each wait for bytes. ``longest_seconds``: for everything. Raises
    requests.RequestException, also if the body is longer than ``bytes_max``.
    """
    with within(longest_seconds) as deadline, requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, BoundedAdapter())
        body = b""
        with session.request(
            method, url, timeout=timeout_seconds, allow_redirects=False, stream=True, **options
        ) as response:
            for piece in response.iter_content(_PIECE_BYTES):
                body += piece
                if len(body) > bytes_max:
                    raise requests.exceptions.ContentDecodingError("the response is too long", response=response)
        if deadline.is_over:
            # The end of a connection that was shut down looks like the end of headers, and of a body without a length.
            raise requests.ReadTimeout("the response took too long", response=response)
        # What `Response.content` returns once it has read the body; there is no public way to hand it in.
        response._content = body
        return response


class Watched:
    """The part of a connection class of urllib3 that lets `within` end its connections. The first of the bases."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        return watched(super()._new_conn())  # type: ignore[misc]

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Watch a connection that was kept from an earlier exchange."""
        if self.sock is not None:
            watched(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]


class _Plain(Watched, HTTPConnection):
    pass


class _Tls(Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


def bound(manager: PoolManager) -> None:
    """Let `within` end the connections of this manager."""
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests whose connections `within` can end."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of such connections."""
        super().init_poolmanager(*args, **kwargs)
        bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make the pools of such connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        bound(manager)
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Trust what requests trusts, without reading the authorities for each connection."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        conn.conn_kw.pop("ssl_context", None)
        if conn.ca_certs is not None and cert is None:
            conn.conn_kw["ssl_context"] = shared_context(conn.ca_certs, checks_name=conn.assert_hostname is None)
            conn.ca_certs = None


class PinnedAdapter(BoundedAdapter):
    """Connects to the address in the URL, which was checked, and accepts only a certificate for ``host``."""

    def __init__(self, host: str) -> None:
        self._host = host
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create pools that check certificates against the name."""
        super().init_poolmanager(*args, server_hostname=self._host, assert_hostname=self._host, **kwargs)
