"""Asking as fast as answers come, over connections that stay open. Plain sockets: the client must cost little."""

import socket
import threading
import time
from collections.abc import Sequence

from bench.figures import Round

_TIMEOUT_SECONDS = 30
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


class UnexpectedAnswerError(Exception):
    """An answer was no success: what was measured would mean nothing."""


def hammer(address: tuple[str, int], requests: Sequence[bytes], *, connections: int, seconds: float) -> Round:
    """Send the requests in turn on each connection until the time is over."""
    latencies: list[list[float]] = [[] for _ in range(connections)]
    trouble: list[Exception] = []
    until = time.perf_counter() + seconds

    def ask(number: int) -> None:
        try:
            with socket.create_connection(address, timeout=_TIMEOUT_SECONDS) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _ask(connection, requests[number::connections], until, latencies[number])
        except (OSError, UnexpectedAnswerError) as error:
            trouble.append(error)

    threads = [threading.Thread(target=ask, args=[number]) for number in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if trouble:
        raise trouble[0]
    return Round(tuple(one for some in latencies for one in some), time.perf_counter() - began)


def _ask(connection: socket.socket, requests: Sequence[bytes], until: float, latencies: list[float]) -> None:
    number, now = 0, time.perf_counter()
    while now < until:
        connection.sendall(requests[number % len(requests)])
        _read(connection)
        after = time.perf_counter()
        latencies.append(after - now)
        number, now = number + 1, after


def _read(connection: socket.socket) -> None:
    """Read one answer whole."""
    received = connection.recv(65536)
    while _END_OF_HEAD not in received:
        more = connection.recv(65536)
        if not more:
            raise UnexpectedAnswerError(f"the connection was closed after {received!r}")
        received += more
    head, _, body = received.partition(_END_OF_HEAD)
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        raise UnexpectedAnswerError(received[:500].decode(errors="replace"))
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH))
    missing = int(length.removeprefix(_LENGTH)) - len(body)
    while missing > 0:
        missing -= len(connection.recv(65536))
