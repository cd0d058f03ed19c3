"""One webhook on the wire: sent to the address that was checked, under a certificate for the endpoint's name only."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.notify.outcome import Disposition
from tests.integration.tls_receiver import tls_receiver
from tests.integration.webhook_sending import send_webhook
from tests.support.webhook_receiver import Receiver, Reply

NAME = "hooks.example.com"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running receiver."""
    with Receiver("127.0.0.1").serving() as running:
        yield running


def test_a_certificate_for_the_endpoints_name_is_accepted(tmp_path: Path) -> None:
    with tls_receiver(tmp_path, NAME) as (receiver, trusted):
        answer = send_webhook(f"https://{NAME}:{receiver.port}/hooks?key=1", verify=str(trusted))

    assert (answer.disposition, answer.status) == (Disposition.ACCEPTED, 204)
    (received,) = receiver.received
    assert (received.path, received.headers["host"]) == ("/hooks?key=1", f"{NAME}:{receiver.port}")


@pytest.mark.parametrize("name", ["other.example.com", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(tmp_path: Path, name: str) -> None:
    with tls_receiver(tmp_path, name) as (receiver, trusted):
        answer = send_webhook(f"https://{NAME}:{receiver.port}/", verify=str(trusted))

    assert (answer.disposition, answer.status, answer.text) == (Disposition.RETRY, None, "no answer: SSLError")
    assert receiver.received == []


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    with tls_receiver(tmp_path, NAME) as (receiver, _):
        assert send_webhook(f"https://{NAME}:{receiver.port}/").status is None
    assert receiver.received == []


def test_the_name_is_resolved_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: a name that resolves elsewhere a moment later leads nowhere else."""
    resolved: list[object] = []
    real = socket.getaddrinfo

    def noting(host: object, *args: object, **kwargs: object) -> object:
        resolved.append(host)
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", noting)
    assert send_webhook(f"http://{NAME}:{receiver.port}/").status == 204
    assert resolved == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("reply", "disposition"),
    [
        (Reply(200, body=b"thanks"), Disposition.ACCEPTED),
        (Reply(299), Disposition.ACCEPTED),
        (Reply(301, {"Location": "http://127.0.0.1:1/"}), Disposition.RETRY),
        (Reply(307, {"Location": "/elsewhere"}), Disposition.RETRY),
        (Reply(400), Disposition.RETRY),
        (Reply(404), Disposition.RETRY),
        (Reply(410), Disposition.GONE),
        (Reply(500), Disposition.RETRY),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_only_2xx_is_accepted_and_no_redirect_is_followed(
    receiver: Receiver, reply: Reply, disposition: Disposition
) -> None:
    receiver.replies["/hooks"] = [reply]
    assert send_webhook(f"http://{NAME}:{receiver.port}/hooks").disposition is disposition
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_overloaded_receivers_retry_after_is_read(receiver: Receiver, status: int) -> None:
    receiver.replies["/"] = [Reply(status, {"Retry-After": "120"})]
    answer = send_webhook(f"http://{NAME}:{receiver.port}/")

    assert (answer.is_overloaded, answer.retry_after_seconds) == (True, 120.0)


def test_only_the_beginning_of_an_answer_is_kept(receiver: Receiver) -> None:
    receiver.replies["/"] = [Reply(500, body=b"\x00\x1b[31m" + b"x" * 1_000_000)]
    answer = send_webhook(f"http://{NAME}:{receiver.port}/")

    assert len(answer.text) <= 1024
    assert answer.text.startswith("  [31mx")


def test_a_connection_error_is_recorded_without_the_url() -> None:
    answer = send_webhook("http://127.0.0.1:1/secret-path?key=secret")
    assert (answer.disposition, answer.text) == (Disposition.RETRY, "no answer: ConnectionError")


def test_proxies_and_passwords_of_the_environment_are_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert send_webhook(f"http://{NAME}:{receiver.port}/").status == 204
