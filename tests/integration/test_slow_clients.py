"""Clients that keep the API waiting, more of them than it has threads: all others are still answered.

No test here calls an upstream: probes are enough to see that the process still answers.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
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
    """Ask for what the poller answers, and for what needs a thread."""
    paths = ("/livez", "/metrics")
    return all(requests.get(api.url + path, timeout=AT_ONCE_SECONDS).status_code == 200 for path in paths)


def creating(framing: str) -> bytes:
    """Return the head of a call whose body is to follow."""
    head = "POST /api/v1/videos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Authorization: Bearer {token('ann')}\r\n{framing}\r\n\r\n".encode()


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


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param([creating("Content-Length: 50")], id="no-body"),
        pytest.param([creating("Content-Length: 50"), b"{"], id="a-body-that-stops"),
        pytest.param([creating("Content-Length: 65536"), b"{" * 60_000], id="a-long-body-that-stops"),
        pytest.param([creating("Content-Length: 65537"), b"{"], id="a-body-too-large-to-gather"),
        pytest.param([creating("Transfer-Encoding: chunked"), b"1\r\n{\r\n"], id="chunks-without-end"),
        pytest.param([creating("Content-Length: 50\r\nExpect: 100-continue")], id="a-body-that-waits-for-leave"),
    ],
)
def test_late_bodies_do_not_delay_other_calls(api: ApiProcess, sent: list[bytes]) -> None:
    with clients(api, *sent):
        for _ in range(3):
            assert is_answered_at_once(api)


def test_requests_without_their_bodies_beyond_the_limit_get_a_503(api: ApiProcess) -> None:
    with clients(api, creating("Transfer-Encoding: chunked"), count=80) as connections:
        assert is_answered_at_once(api)
        turned_away = all_of(connections[-1])

    assert turned_away.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: " in turned_away
    assert b'"code":"temporarily_unavailable"' in turned_away


def test_a_body_that_comes_in_pieces_is_read(api: ApiProcess) -> None:
    body = b'{"title": ' + b" " * 40_000 + b"1}"
    with api.connect() as connection:
        connection.sendall(creating(f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 5_000):
            connection.sendall(body[start : start + 5_000])
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 422 ")


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        pytest.param(b"GET /livez HTTP/1.1\r\n\r\n", b"200", id="a-probe"),
        pytest.param(b"GET /readyz HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"503", id="with-an-empty-body"),
        pytest.param(b"HEAD /livez HTTP/1.1\r\n\r\n", b"200", id="head"),
        pytest.param(b"GET /livez?verbose HTTP/1.1\r\n\r\n", b"200", id="with-a-query"),
        pytest.param(b"GET /livez HTTP/1.0\r\n\r\n", b"200", id="of-an-older-version"),
    ],
)
def test_probes_are_answered_in_any_form(api: ApiProcess, request_head: bytes, status: bytes) -> None:
    with api.connect() as connection:
        connection.sendall(request_head)
        head = connection.recv(65536)

    assert head.startswith(b"HTTP/1.1 " + status) or head.startswith(b"HTTP/1.0 " + status)
    assert b"x-request-id:" in head.lower()
    assert not request_head.startswith(b"HEAD") or head.endswith(b"\r\n\r\n")


def test_clients_that_never_read_responses_to_probes_do_not_delay_others(api: ApiProcess) -> None:
    many = b"GET /livez HTTP/1.1\r\n\r\n" * 30_000
    with clients(api) as connections:
        for connection in connections:
            connection.setblocking(False)
            with suppress(BlockingIOError, ConnectionError):
                while True:
                    connection.send(many)
        assert is_answered_at_once(api)


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
