"""Each fault of the proxy as its client meets it."""

import socket
import threading
from collections.abc import Iterator

import pytest

from devstack.fault_proxy import FaultProxy, LineFault, fault_proxy

# More than one piece, so that an answer has a middle.
ANSWER = bytes(300_000)
SOON_SECONDS = 0.5
LATE_SECONDS = 10.0


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """A proxy before a server that answers every message with ANSWER."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                connection.settimeout(None)
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            with fault_proxy(*listener.getsockname()) as running:
                yield running
        finally:
            stop.set()
            thread.join()


def answer(connection: socket.socket) -> None:
    with connection:
        try:
            while connection.recv(64):
                connection.sendall(ANSWER)
        except OSError:
            pass


def connected(proxy: FaultProxy, *, timeout: float = LATE_SECONDS) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout)


def ask(line: socket.socket) -> int:
    """Send a message and return how many bytes of the answer came."""
    line.sendall(b"?")
    count = 0
    while count < len(ANSWER):
        piece = line.recv(65536)
        if not piece:
            break
        count += len(piece)
    return count


def test_without_a_fault_everything_passes(proxy: FaultProxy) -> None:
    with connected(proxy) as line:
        assert ask(line) == len(ANSWER)


@pytest.mark.parametrize("fault", LineFault)
def test_afterwards_everything_passes_again(proxy: FaultProxy, fault: LineFault) -> None:
    proxy.begin(fault)
    proxy.end()
    with connected(proxy) as line:
        assert ask(line) == len(ANSWER)


def test_a_cut_resets_what_stands_and_what_is_new(proxy: FaultProxy) -> None:
    with connected(proxy) as line:
        assert ask(line) == len(ANSWER)
        proxy.begin(LineFault.CUT)
        with pytest.raises(ConnectionResetError):
            ask(line)
    # A connection is reset as soon as it is made, at times before the connecting call has returned.
    with pytest.raises(ConnectionError), connected(proxy) as late:
        ask(late)


def test_half_open_nothing_passes_and_at_its_end_what_was_held_is_lost(proxy: FaultProxy) -> None:
    with connected(proxy) as line:
        assert ask(line) == len(ANSWER)
        proxy.begin(LineFault.HALF_OPEN)
        line.settimeout(SOON_SECONDS)
        with pytest.raises(TimeoutError):
            ask(line)
        line.settimeout(LATE_SECONDS)
        proxy.end()
        with pytest.raises(ConnectionResetError):
            line.recv(1)


def test_frozen_and_thawed_what_was_held_arrives(proxy: FaultProxy) -> None:
    with connected(proxy) as line:
        with proxy.frozen():
            line.settimeout(SOON_SECONDS)
            with pytest.raises(TimeoutError):
                ask(line)
        line.settimeout(LATE_SECONDS)
        assert len(line.recv(65536)) > 0


def test_an_answer_is_reset_in_its_middle(proxy: FaultProxy) -> None:
    proxy.begin(LineFault.RESET)
    counts = []
    for _ in range(20):
        with connected(proxy) as line:
            try:
                counts.append(ask(line))
            except ConnectionResetError:
                counts.append(-1)
    assert -1 in counts


def test_a_slow_answer_comes_in_drips_and_its_rest_at_the_end(proxy: FaultProxy) -> None:
    proxy.begin(LineFault.SLOW)
    with connected(proxy) as line:
        line.sendall(b"?")
        first = len(line.recv(65536))
        assert 0 < first < 1000
        proxy.end()
        rest = 0
        while first + rest < len(ANSWER):
            rest += len(line.recv(65536))
        assert first + rest == len(ANSWER)


def test_when_the_server_is_away_the_client_notices() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with fault_proxy(*address) as proxy, connected(proxy) as line:
        assert line.recv(1) == b""
