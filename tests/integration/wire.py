"""A server made of sockets only: it sees every byte and connection, and answers as badly as a test needs."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# What becomes of one connection after its request was read whole.
Ending = Callable[[socket.socket], None]


def answering(head: str, body: str = "", *, missing_bytes: int = 0) -> Ending:
    """Send an answer, cut off where it promised so many bytes more, and close as any server may."""
    length = len(body) + missing_bytes
    lines = [f"HTTP/1.1 {head}", f"Content-Length: {length}", "", body]

    def end(connection: socket.socket) -> None:
        connection.sendall("\r\n".join(lines).encode())

    return end


def silent(connection: socket.socket) -> None:
    """Send nothing until the client closes the connection."""
    while connection.recv(65536):
        pass


def closing(_: socket.socket) -> None:
    """Close without a word."""


def resetting(connection: socket.socket) -> None:
    """Break the connection off."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Wire:
    """``connections`` were accepted, ``requests`` read whole."""

    def __init__(self, ending: Ending, tls: ssl.SSLContext | None) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self._ending = ending
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}/v2"

    def close(self) -> None:
        """Take no more connections and wait for those that there are: their clients must be gone."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            serving = threading.Thread(target=self._serve, args=[connection])
            self._threads.append(serving)
            serving.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                speaking = connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)
                with speaking:
                    self.requests.append(_request(speaking))
                    self._ending(speaking)
            except OSError:
                return  # the client has gone


def _request(connection: socket.socket) -> bytes:
    """Read one request, as long as it says it is."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _some(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    expected = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < expected:
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


@contextmanager
def wire(ending: Ending, tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """Run such a server on a free port."""
    made = Wire(ending, tls)
    try:
        yield made
    finally:
        made.close()
