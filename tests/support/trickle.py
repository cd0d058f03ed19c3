"""Servers that never stop talking, a few bytes at a time: each wait for them is short, and all together are endless."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# How long the servers go on if they are let.
PATIENCE_SECONDS = 8.0
_PAUSE_SECONDS = 0.05
HEAD = b"HTTP/1.1 200 OK\r\n"


def trickle(connection: socket.socket, head: bytes, drop: bytes, stop: threading.Event) -> None:
    """Send ``head``, and then ``drop`` again and again until the other side ends the connection, or ``stop``."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    with suppress(OSError):
        connection.sendall(head)
        while time.monotonic() < ends_at and not stop.wait(_PAUSE_SECONDS):
            connection.sendall(drop)


@contextmanager
def trickling(head: bytes, drop: bytes) -> Iterator[int]:
    """Run a server that trickles to its first client; yields its port."""

    def serve(listener: socket.socket, stop: threading.Event) -> None:
        connection, _ = listener.accept()
        with connection:
            trickle(connection, head, drop, stop)

    with serving(serve) as port:
        yield port


@contextmanager
def serving(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """Run ``serve`` with a listening socket in a thread, until the end of the block; yields its port."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, stop))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def seconds_of(call: Callable[[], object]) -> float:
    """Make a call and return how long it took."""
    began = time.monotonic()
    call()
    return time.monotonic() - began
