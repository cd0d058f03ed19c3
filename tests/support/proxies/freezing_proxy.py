"""A proxy for any TCP protocol that can freeze: connections stand and new ones are accepted, but no byte passes.

This is how a stopped process, a full disk or a lost route looks to a client: no error comes, only silence.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PIECE_BYTES = 65536


class FreezingProxy:
    """A running proxy before one server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._passes = threading.Event()
        self._passes.set()
        self._lines: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

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
        self._passes.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(10)
        for line in self._lines:
            line.close()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=target, args=args, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._lines.append(client)
            self._start(self._connect, client)

    def _connect(self, client: socket.socket) -> None:
        self._passes.wait()
        try:
            server = socket.create_connection(self._server, timeout=10)
        except OSError:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            return
        server.settimeout(None)
        self._lines.append(server)
        self._start(self._pump, client, server)
        self._pump(server, client)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(_PIECE_BYTES):
                self._passes.wait()
                sink.sendall(piece)
        for line in (source, sink):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


@contextmanager
def freezing_proxy(host: str, port: int) -> Iterator[FreezingProxy]:
    """Run a proxy until the end of the block."""
    proxy = FreezingProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.close()
