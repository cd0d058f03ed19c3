"""The operator's probes while clients hold its connections."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from runtime import probes
from runtime.heartbeats import Heartbeats
from runtime.probes import ProcessHealth, serve


@pytest.fixture
def port() -> Iterator[int]:
    server = serve(ProcessHealth(Heartbeats()), lambda _accept: (b"", "text/plain"), host="127.0.0.1", port=0)
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("sent", [b"", b"GET /livez HTTP/1.1\r\nX: "], ids=["silent", "half-a-head"])
def test_clients_that_hold_connections_get_few_threads_and_fail_no_probe(port: int, sent: bytes) -> None:
    before = threading.active_count()
    with ExitStack() as opened:
        for _ in range(200):
            opened.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(sent)
        for _ in range(3):
            assert requests.get(f"http://127.0.0.1:{port}/livez", timeout=2).status_code == 200
            assert threading.active_count() - before <= 2 * probes._CONNECTIONS_MAX


def test_a_silent_client_is_ended(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        assert connection.recv(1) == b""
