"""A server that sends a byte now and then, so that only a total deadline ends the exchange."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# How long the server would continue.
PATIENCE_SECONDS = 8.0
PAUSE_SECONDS = 0.05


@contextmanager
def trickling(head: bytes, drop: bytes) -> Iterator[int]:
    """Run a server that says ``head`` and then ``drop`` again and again; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve_one, args=(listener, head, drop))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()


def _serve_one(listener: socket.socket, head: bytes, drop: bytes) -> None:
    connection, _ = listener.accept()
    ends_at = time.monotonic() + PATIENCE_SECONDS
    with connection, suppress(OSError):
        connection.sendall(head)
        while time.monotonic() < ends_at:
            connection.sendall(drop)
            # Not a wait for something: the slowness is what is tried.
            time.sleep(PAUSE_SECONDS)
