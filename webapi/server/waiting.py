"""A gunicorn worker that keeps requests waiting without a thread (docs/decisions/0024-waiting-clients.md).

A run of a request that raises `SuspendRequest` gives its thread back, and the poller keeps the connection. When the
video changes or the time is over, a thread runs the same request again. Of a stream, the poller also sends what keeps
it open, and notices that its client has gone.
"""

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from gunicorn.http import wsgi  # type: ignore[import-untyped]

from webapi.http.waiting import TURN, SuspendRequest, Turn
from webapi.server.connections import HEAD_BYTES_MAX, BufferedThreadWorker, Connection, is_closed, sends_at_once
from webapi.waits import WaitKind, Waits

_log = structlog.get_logger(__name__)

# Below the minute after which most proxies close a silent connection; a client knows after two that its own is dead.
HEARTBEAT_SECONDS = 15.0
_HEARTBEAT = b":\n\n"
_LAST_CHUNK = b"0\r\n\r\n"
# One in so many threads may run the requests of clients that waited: a change that wakes hundreds delays no other call.
_WOKEN_SHARE = 4
# When a stream looks again whose video could not be read.
_AGAIN_SECONDS = 15.0
_UNAVAILABLE = "503"


@dataclass(eq=False)
class Held:
    """A request that may wait, and what the server knows of it.

    ``suspended``: how its last run ended; None while it runs, and once it is answered. ``is_stream``: the head of its
    response was sent. ``is_woken``: it runs in one of the threads for clients that waited. ``serial`` tells a wait from
    the ones before it, whose timers are still in the heap.
    """

    request: Any
    turn: Turn
    suspended: SuspendRequest | None = None
    is_stream: bool = False
    has_run: bool = False
    has_failed: bool = False
    is_woken: bool = False
    is_in_poller: bool = False
    serial: int = 0
    beat_at: float = 0.0

    def framed(self, piece: bytes) -> bytes:
        """Return a piece of a stream as it is sent: HTTP/1.0 has no chunks, and its body ends with the connection."""
        return b"%x\r\n%s\r\n" % (len(piece), piece) if self.request.version > (1, 0) else piece


class HoldingConnection(Connection):
    """A connection whose request may wait."""

    held: Held | None = None


class WaitingWorker(BufferedThreadWorker):
    """A worker whose requests may wait. They do not count as connections: `Waits` bounds them."""

    connection_class = HoldingConnection
    # Set once the application is loaded; until then every request is answered at once.
    waits: Waits | None = None
    wsgi: Callable[..., Iterable[bytes]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._running = threading.local()
        self._held: set[HoldingConnection] = set()
        self._timers: list[tuple[float, int, int, HoldingConnection]] = []
        self._numbers = itertools.count()
        self._woken: deque[HoldingConnection] = deque()
        self._woken_free = max(1, self.cfg.threads // _WOKEN_SHARE)

    def load_wsgi(self) -> None:
        """Load the application, and pass each request its turn."""
        super().load_wsgi()
        application = self.wsgi

        def with_turn(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
            held = getattr(self._running, "held", None)
            if held is not None:
                environ[TURN] = held.turn
            return application(environ, start_response)

        self.wsgi = with_turn

    # In the threads

    def handle(self, conn: HoldingConnection) -> object:
        """Answer one request, or go on with the one that waited. Return True if the connection is kept."""
        held = conn.held
        if held is None or not held.has_run:
            return super().handle(conn)
        try:
            if held.is_stream:
                self._go_on(conn, held)
                return False
            held.suspended = None
            conn.sock.setblocking(True)
            return self._keepalive_after(conn, self.handle_request(held.request, conn))
        except OSError:
            held.has_failed = True
        except Exception as error:
            held.has_failed = True
            if held.is_stream:
                _log.error("stream_failed", exc_info=error)
            else:
                self.handle_error(held.request, conn.sock, conn.client, error)
        return False

    def handle_request(self, req: Any, conn: HoldingConnection) -> object:
        """Run the application. A request that has to wait is left in ``conn.held``."""
        if conn.held is None and self.waits is not None and _may_wait(req):
            conn.held = Held(req, Turn(self.waits))
        held = self._running.held = conn.held
        try:
            return super().handle_request(req, conn)
        except SuspendRequest as suspended:
            assert held is not None  # noqa: S101  only a request with a turn is suspended
            held.suspended, held.has_run = suspended, True
            held.is_stream = suspended.wait.kind is WaitKind.STREAM
            held.beat_at = time.monotonic() + HEARTBEAT_SECONDS
            return False
        finally:
            self._running.held = None

    def _go_on(self, conn: HoldingConnection, held: Held) -> None:
        """Run a stream's request again, and send what it adds. Raises OSError if the client does not take it."""
        before, held.suspended = held.suspended, None
        assert before is not None  # noqa: S101  only a request that was suspended runs again
        _, environ = wsgi.create(held.request, conn.sock, conn.client, conn.server, self.cfg)
        environ["wsgi.multithread"] = True
        statuses: list[str] = []
        added = b""
        self._running.held = held
        try:
            for piece in self.wsgi(environ, lambda status, _headers, _error=None: statuses.append(status)):
                added += piece
        except SuspendRequest as suspended:
            held.suspended = suspended
        finally:
            self._running.held = None
        if held.suspended is not None:
            if added:
                self._send(conn, held, added)
        elif statuses[-1].startswith(_UNAVAILABLE):
            # A stream outlives an outage of Postgres; what its client may see is checked before the next event.
            held.suspended = SuspendRequest(before.wait, before.revision, time.monotonic() + _AGAIN_SECONDS)

    def _send(self, conn: HoldingConnection, held: Held, piece: bytes) -> None:
        """Send a piece of a stream without waiting. Raises OSError if the client has not read the ones before."""
        if not sends_at_once(conn.sock, held.framed(piece)):
            raise BlockingIOError
        held.beat_at = time.monotonic() + HEARTBEAT_SECONDS

    # In the poller

    def finish_request(self, conn: HoldingConnection, fs: "Future[object]") -> None:
        """Keep the request waiting, or end it as any other."""
        held = conn.held
        if held is not None and held.is_woken:
            held.is_woken = False
            self._woken_free += 1
            self._run_woken()
        if held is None:
            super().finish_request(conn, fs)
        elif held.suspended is not None and fs.exception() is None and not held.has_failed:
            self.nr_conns -= 1
            self._hold(conn, held, held.suspended)
        elif held.is_stream and not held.has_failed:
            self._end_stream(conn, held)
        else:
            self._forget(conn)
            super().finish_request(conn, fs)

    def _hold(self, conn: HoldingConnection, held: Held, suspended: SuspendRequest) -> None:
        """Let the poller keep the connection until the video changes or the time is over."""
        conn.sock.setblocking(False)
        self._held.add(conn)
        held.serial += 1
        waits, wake = held.turn.waits, partial(self.method_queue.defer, self._wake, conn, held.serial)
        if waits.is_closed:
            self._end_waiting(conn, held)
        elif not waits.begin(suspended.wait, suspended.revision, wake):
            self._wake(conn, held.serial)
        else:
            held.is_in_poller = True
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_held_readable, conn))
            self._set_timer(conn, held, suspended)

    def _set_timer(self, conn: HoldingConnection, held: Held, suspended: SuspendRequest) -> None:
        at = min(suspended.until, held.beat_at) if held.is_stream else suspended.until
        heapq.heappush(self._timers, (at, next(self._numbers), held.serial, conn))

    def _on_held_readable(self, conn: HoldingConnection, client: socket.socket) -> None:
        """Keep what a client sends while it waits: its next request. Forget a client that has closed."""
        if is_closed(client):
            return
        is_open = conn.reader.read_available()
        if not is_open or len(conn.reader.buffered()) > HEAD_BYTES_MAX:
            self._drop(conn)

    def _wake(self, conn: HoldingConnection, serial: int) -> None:
        """Run the request again as soon as a thread is free for it."""
        held = conn.held
        if held is None or held.serial != serial or conn not in self._held:
            return
        self._release(conn, held)
        self._woken.append(conn)
        self._run_woken()

    def _run_woken(self) -> None:
        while self._woken and self._woken_free > 0:
            conn = self._woken.popleft()
            held = conn.held
            assert held is not None  # noqa: S101  nothing forgets it while it is in this queue
            held.is_woken = True
            self._woken_free -= 1
            self.nr_conns += 1
            super().enqueue_req(conn)

    def _release(self, conn: HoldingConnection, held: Held) -> None:
        """Take the connection out of the poller; its timers and its wake no longer count."""
        held.serial += 1
        self._held.discard(conn)
        if held.is_in_poller:
            held.is_in_poller = False
            self.poller.unregister(conn.sock)

    def _forget(self, conn: HoldingConnection) -> None:
        """End the wait of a request that is answered or given up."""
        if conn.held is not None:
            conn.held.turn.leave()
            conn.held = None

    def _drop(self, conn: HoldingConnection) -> None:
        """Close the connection of a client that has gone, or that does not read."""
        if conn.held is not None:
            self._release(conn, conn.held)
        self._forget(conn)
        conn.close()

    def _end_stream(self, conn: HoldingConnection, held: Held) -> None:
        """End the response as its framing requires. The connection counts as one of the open ones again."""
        is_whole = held.request.version <= (1, 0) or sends_at_once(conn.sock, _LAST_CHUNK)
        is_kept = is_whole and self.alive and held.request.version > (1, 0) and not held.request.should_close()
        self._forget(conn)
        if is_kept:
            self._proceed(conn, is_open=conn.reader.is_empty or conn.reader.read_available())
        else:
            self._linger(conn)

    def _end_waiting(self, conn: HoldingConnection, held: Held) -> None:
        """End a wait because the process stops: a stream ends, and a poll gets its answer."""
        if held.is_stream:
            self._release(conn, held)
            self.nr_conns += 1
            self._end_stream(conn, held)
        else:
            self._wake(conn, held.serial)

    def _cap_keepalive(self, deadline: float) -> None:
        """End all waits when the worker stops accepting; gunicorn then waits for the connections it counts."""
        if self.waits is not None:
            self.waits.close()
        for conn in list(self._held):
            if conn.held is not None:
                self._end_waiting(conn, conn.held)
        super()._cap_keepalive(deadline)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, but not beyond the next timer."""
        if self._timers:
            timeout = min(timeout, max(0.0, self._timers[0][0] - time.monotonic()))
        super().wait_for_and_dispatch_events(timeout)

    def murder_pending(self) -> None:
        """Also do what the timers of waiting requests are due for."""
        super().murder_pending()
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            _, _, serial, conn = heapq.heappop(self._timers)
            held = conn.held
            if held is None or held.serial != serial or held.suspended is None:
                continue
            if held.suspended.until <= now:
                self._wake(conn, serial)
            else:
                self._beat(conn, held, held.suspended)

    def _beat(self, conn: HoldingConnection, held: Held, suspended: SuspendRequest) -> None:
        """Send a comment, so that proxies keep the stream open and its client knows that it lives."""
        try:
            self._send(conn, held, _HEARTBEAT)
        except OSError:
            self._drop(conn)
        else:
            self._set_timer(conn, held, suspended)


def _may_wait(req: Any) -> bool:
    """Return whether a request can be run again: a GET whose head is all there is of it."""
    if req.method != "GET" or req._expected_100_continue:
        return False
    return not any(name in ("CONTENT-LENGTH", "TRANSFER-ENCODING") for name, _ in req.headers)
