"""Receivers that send a byte now and then: the whole exchange is bounded, not only each wait."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from controller.notify.outcome import DeliveryResponse, Disposition
from tests.integration.webhook_sending import send_webhook

LONGEST_SECONDS = 0.5
# What the receivers below would go on for, if they were let.
PATIENCE_SECONDS = 8.0
PAUSE_SECONDS = 0.05
NO_ANSWER = DeliveryResponse(Disposition.RETRY, None, "no answer: it takes too long")
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def trickling(head: bytes, drop: bytes) -> Iterator[int]:
    """Run a receiver that says ``head`` and then ``drop`` again and again; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_one, args=(listener, head, drop))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join()


def serve_one(listener: socket.socket, head: bytes, drop: bytes) -> None:
    connection, _ = listener.accept()
    ends_at = time.monotonic() + PATIENCE_SECONDS
    with connection, suppress(OSError):
        connection.sendall(head)
        while time.monotonic() < ends_at:
            connection.sendall(drop)
            # Not a wait for something: the slowness is what is tried.
            time.sleep(PAUSE_SECONDS)


def sent(url: str) -> tuple[DeliveryResponse, float]:
    began = time.monotonic()
    answer = send_webhook(url, total_seconds=LONGEST_SECONDS)
    return answer, time.monotonic() - began


@pytest.mark.parametrize(
    ("scheme", "head"),
    [
        pytest.param("http", b"HTTP/1.1 200 ", id="the-first-line"),
        pytest.param("http", HEAD + b"X-Long: ", id="a-header"),
        # The beginning of a record of 16 KB.
        pytest.param("https", b"\x16\x03\x03\x40\x00", id="the-tls-handshake"),
    ],
)
def test_an_endless_answer_counts_as_no_answer(scheme: str, head: bytes) -> None:
    with trickling(head, b"x") as port:
        answer, seconds = sent(f"{scheme}://hooks.example.com:{port}/")
    assert (answer.disposition, answer.status) == (Disposition.RETRY, None)
    assert LONGEST_SECONDS <= seconds < PATIENCE_SECONDS / 2


def test_endless_headers_count_as_no_answer() -> None:
    with trickling(HEAD, b"X: y\r\n") as port:
        answer, seconds = sent(f"http://hooks.example.com:{port}/")
    assert answer == NO_ANSWER
    assert seconds < PATIENCE_SECONDS / 2


def test_an_endless_body_does_not_change_the_verdict() -> None:
    with trickling(HEAD + b"\r\n", b"x") as port:
        answer, seconds = sent(f"http://hooks.example.com:{port}/")
    assert (answer.disposition, answer.status) == (Disposition.ACCEPTED, 200)
    assert seconds < PATIENCE_SECONDS / 2
