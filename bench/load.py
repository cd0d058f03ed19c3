"""Sends requests as fast as responses arrive, over persistent connections. Plain sockets cost the least CPU."""

import socket
import threading
import time
from collections.abc import Sequence

from bench.figures import Round

_TIMEOUT_SECONDS = 30
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"
# A body without a length comes in chunks, the last one of no bytes.
_END_OF_CHUNKS = b"0\r\n\r\n"


class UnexpectedResponseError(Exception):
    """A response was not a success, so the measurement means nothing."""


def hammer(address: tuple[str, int], requests: Sequence[bytes], *, connections: int, seconds: float) -> Round:
    """Send the requests one after the other on each connection until the time is over."""
    latencies: list[list[float]] = [[] for _ in range(connections)]
    errors: list[Exception] = []
    until = time.perf_counter() + seconds

    def run(number: int) -> None:
        try:
            with socket.create_connection(address, timeout=_TIMEOUT_SECONDS) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _send(connection, requests[number::connections], until, latencies[number])
        except (OSError, UnexpectedResponseError) as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[number]) for number in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return Round(tuple(one for some in latencies for one in some), time.perf_counter() - began)


def _send(connection: socket.socket, requests: Sequence[bytes], until: float, latencies: list[float]) -> None:
    number, now = 0, time.perf_counter()
    while now < until:
        connection.sendall(requests[number % len(requests)])
        _read(connection)
        after = time.perf_counter()
        latencies.append(after - now)
        number, now = number + 1, after


def _read(connection: socket.socket) -> None:
    """Read one response completely."""
    received = connection.recv(65536)
    while _END_OF_HEAD not in received:
        more = connection.recv(65536)
        if not more:
            raise UnexpectedResponseError(f"the connection was closed after {received!r}")
        received += more
    head, _, body = received.partition(_END_OF_HEAD)
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        raise UnexpectedResponseError(received[:500].decode(errors="replace"))
    length = next((line for line in head.lower().split(b"\r\n") if line.startswith(_LENGTH)), None)
    while not body.endswith(_END_OF_CHUNKS) if length is None else len(body) < int(length.removeprefix(_LENGTH)):
        more = connection.recv(65536)
        if not more:
            raise UnexpectedResponseError("the connection was closed within a body")
        body += more
