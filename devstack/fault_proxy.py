"""A proxy for any TCP protocol that can fail as networks do: slowly, half, or altogether.

It knows no protocol, so TLS and signatures hold. A frozen proxy is how a stopped process, a full disk or a lost route
looks to a client: connections stand and new ones are accepted, but no byte passes, and no error comes.
"""

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from devstack.ports import HOST

_PIECE_BYTES = 65536
_CONNECT_SECONDS = 10
_LATENCY_SECONDS = 0.3
_RESET_CHANCE = 0.3
# So slowly that every answer of more than a few hundred bytes meets a deadline.
_DRIP_BYTES, _DRIP_SECONDS = 32, 0.05
# With this SO_LINGER a closed socket sends RST instead of FIN (socket(7)).
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class LineFault(StrEnum):
    """How a proxy fails. ``half_open``: nothing passes, and what stood is reset at the end."""

    LATENCY = "latency"
    CUT = "cut"
    HALF_OPEN = "half_open"
    RESET = "reset"
    SLOW = "slow"


class _Line:
    """One connection of a client, with that to the server once there is one."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self.server: socket.socket | None = None
        self.is_reset = False

    def sockets(self) -> list[socket.socket]:
        return [self.client] if self.server is None else [self.client, self.server]

    def reset(self) -> None:
        """End both connections with RST. The reading threads close them, which sends it."""
        self.is_reset = True
        for end in self.sockets():
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                end.shutdown(socket.SHUT_RD)

    def finish(self) -> None:
        """End both connections in order."""
        if not self.is_reset:
            for end in self.sockets():
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for end in self.sockets():
            end.close()


class FaultProxy:
    """A running proxy before one server, which need not run yet."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self._passes = threading.Event()
        self._passes.set()
        self._fault: LineFault | None = None
        self._lock = threading.Lock()
        self._lines: set[_Line] = set()
        self._threads: set[threading.Thread] = set()
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def begin(self, fault: LineFault) -> None:
        """Fail in this way from now on."""
        self._fault = fault
        if fault is LineFault.CUT:
            self._reset_all()
        elif fault is LineFault.HALF_OPEN:
            self._passes.clear()

    def end(self) -> None:
        """Pass everything again. Connections that stood half open are reset, with what they held back."""
        if self._fault is LineFault.HALF_OPEN:
            self._reset_all()
        self._fault = None
        self._passes.set()

    def freeze(self) -> None:
        """Pass nothing from now on."""
        self._passes.clear()

    def thaw(self) -> None:
        """Pass everything again, also what arrived meanwhile."""
        self._passes.set()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Be frozen until the end of the block."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def close(self) -> None:
        """End every connection."""
        self._fault = None
        self._passes.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            lines, threads = list(self._lines), list(self._threads)
        for line in lines:
            line.finish()
        for thread in threads:
            thread.join(_CONNECT_SECONDS)

    def _start(self, target: Callable[..., None], *args: object) -> threading.Thread:
        def run() -> None:
            try:
                target(*args)
            finally:
                with self._lock:
                    self._threads.discard(thread)

        thread = threading.Thread(target=run, daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()
        return thread

    def _reset_all(self) -> None:
        with self._lock:
            lines = list(self._lines)
        for line in lines:
            line.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            line = _Line(client)
            with self._lock:
                self._lines.add(line)
            self._start(self._serve, line)

    def _serve(self, line: _Line) -> None:
        """Carry one connection to its end."""
        try:
            self._passes.wait()
            if line.is_reset or self._fault is LineFault.CUT:
                line.reset()
                return
            line.server = socket.create_connection(self._server, timeout=_CONNECT_SECONDS)
            line.server.settimeout(None)
            upstream = self._start(self._pump, line, line.client, line.server)
            self._pump(line, line.server, line.client)
            upstream.join()
        except OSError:
            # The server cannot be reached, which the client has to notice.
            line.finish()
        finally:
            with self._lock:
                self._lines.discard(line)
            line.close()

    def _pump(self, line: _Line, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                self._passes.wait()
                if line.is_reset:
                    break
                self._pass(line, piece, sink, is_answer=source is line.server)
        line.finish()

    def _pass(self, line: _Line, piece: bytes, sink: socket.socket, *, is_answer: bool) -> None:
        match self._fault:
            case LineFault.LATENCY:
                threading.Event().wait(_LATENCY_SECONDS)
            case LineFault.RESET if is_answer and random.random() < _RESET_CHANCE:
                sink.sendall(piece[: len(piece) // 2])
                line.reset()
                return
            case LineFault.SLOW if is_answer:
                while piece and self._fault is LineFault.SLOW and not line.is_reset:
                    sink.sendall(piece[:_DRIP_BYTES])
                    piece = piece[_DRIP_BYTES:]
                    threading.Event().wait(_DRIP_SECONDS)
        if piece and not line.is_reset:
            sink.sendall(piece)


@contextmanager
def fault_proxy(host: str, port: int) -> Iterator[FaultProxy]:
    """Run a proxy until the end of the block."""
    proxy = FaultProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
