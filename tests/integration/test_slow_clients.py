"""Clients that keep the API waiting, more of them than it has threads: all others are still answered.

No test here calls an upstream: probes are enough to see that the process still answers.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection

import pytest
import requests

from tests.integration.api_process import ApiProcess, all_of, running, token, without_upstreams

THREADS = 2
MANY = THREADS * 4
# As many as the process keeps open (webapi/server/gunicorn.conf.py).
CONNECTIONS = 512
# Far below what any of these clients could hold a thread or the accepting loop for, far above a probe's time.
AT_ONCE_SECONDS = 2.5

HEAD = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    directory = tmp_path_factory.mktemp("api")
    with running({**without_upstreams(directory), "THREADS": str(THREADS)}, directory) as process:
        yield process


@contextmanager
def clients(api: ApiProcess, *sent: bytes, count: int = MANY) -> Iterator[list[socket.socket]]:
    """Open many connections and send the same pieces on each."""
    with ExitStack() as opened:
        connections = [opened.enter_context(api.connect()) for _ in range(count)]
        for piece in sent:
            for connection in connections:
                connection.sendall(piece)
        yield connections


def is_answered_at_once(api: ApiProcess) -> bool:
    return requests.get(f"{api.url}/livez", timeout=AT_ONCE_SECONDS).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([], id="nothing"),
        pytest.param([b"G"], id="one-letter"),
        pytest.param([HEAD], id="half-a-head"),
        pytest.param([HEAD, b"X: " + b"x" * 8000, b"x" * 8000], id="a-header-without-end"),
        pytest.param([HEAD + b"\r\n", b"G"], id="a-request-and-a-letter"),
    ],
)
def test_endless_request_heads_do_not_delay_other_clients(api: ApiProcess, sent: list[bytes]) -> None:
    with clients(api, *sent):
        assert is_answered_at_once(api)
        assert is_answered_at_once(api)


@pytest.mark.parametrize("framing", [b"Content-Length: 1000000", b"Transfer-Encoding: chunked"])
def test_an_unread_body_is_not_waited_for(api: ApiProcess, framing: bytes) -> None:
    with clients(api, HEAD + framing + b"\r\n\r\n") as connections:
        assert is_answered_at_once(api)
        for connection in connections:
            assert all_of(connection).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("body", [b"{}", b"x" * 20_000], ids=["small", "in-many-pieces"])
def test_a_small_unread_body_does_not_close_the_connection(api: ApiProcess, body: bytes) -> None:
    with closing(HTTPConnection(api.url.removeprefix("http://"), timeout=20)) as connection:
        connection.connect()
        connection.auto_open = 0
        for _ in range(20):
            connection.request("GET", "/livez", body=body)
            with connection.getresponse() as answer:
                assert answer.status == 200
                answer.read()


def test_a_body_that_arrives_after_its_answer_is_not_taken_for_a_request(api: ApiProcess) -> None:
    with api.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(HEAD + b"\r\n"))
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        connection.sendall(HEAD + b"\r\n" + HEAD + b"Connection: close\r\n\r\n")
        assert all_of(connection).count(b"HTTP/1.1 200 ") == 1


@pytest.mark.parametrize(
    "sent", [HEAD + b"Connection: close\r\n\r\n", b"nonsense\r\n\r\n"], ids=["after-an-answer", "after-a-refusal"]
)
def test_clients_that_never_close_do_not_delay_others(api: ApiProcess, sent: bytes) -> None:
    with clients(api, sent):
        assert is_answered_at_once(api)
        assert is_answered_at_once(api)


@pytest.mark.parametrize("sent", [[], [HEAD + b"\r\n"]], ids=["before-a-request", "after-a-request"])
def test_idle_connections_are_closed_for_new_clients(api: ApiProcess, sent: list[bytes]) -> None:
    with clients(api, *sent, count=CONNECTIONS + THREADS):
        assert is_answered_at_once(api)
        assert is_answered_at_once(api)


def test_a_request_head_that_arrives_in_pieces_is_read(api: ApiProcess) -> None:
    request = HEAD + b"Connection: close\r\n\r\n"
    with api.connect() as connection:
        for number in range(len(request)):
            connection.sendall(request[number : number + 1])
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_answered_in_order(api: ApiProcess) -> None:
    with api.connect() as connection:
        connection.sendall((HEAD + b"\r\n") * 3 + HEAD + b"Connection: close\r\n\r\n")
        answers = all_of(connection)

    assert answers.count(b"HTTP/1.1 200 ") == 4


def test_a_stalled_body_times_out(api: ApiProcess) -> None:
    head = (
        "POST /api/v1/videos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {token('ann')}\r\nContent-Length: 100\r\n\r\n"
    )
    with api.connect() as connection:
        connection.sendall(head.encode() + b"{")
        answer = all_of(connection)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"malformed_request"' in answer


def test_a_stalled_head_times_out(api: ApiProcess) -> None:
    with api.connect() as connection:
        connection.sendall(HEAD)
        assert connection.recv(4096) == b""


def test_an_oversized_head_is_refused(api: ApiProcess) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 4000) for number in range(20))
    answer = api.send_raw(HEAD + many)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"code":"malformed_request"' in answer
