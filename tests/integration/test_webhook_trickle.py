"""Receivers that send a byte now and then: the whole exchange is bounded, not only each wait."""

import time

import pytest

from controller.notify.outcome import DeliveryResponse, Disposition
from tests.integration.webhook_sending import send_webhook
from tests.support.trickle import HEAD, PATIENCE_SECONDS, trickling

LONGEST_SECONDS = 0.5
NO_ANSWER = DeliveryResponse(Disposition.RETRY, None, "no answer: it takes too long")


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
