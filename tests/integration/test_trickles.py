"""Upstreams that send a byte now and then: each wait is short, and all of them together are bounded too.

Receivers of webhooks have a page of their own, test_webhook_trickle.py.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from controller.coconut.client import Coconut
from controller.notify.email import MailSender, smtp_server_of
from controller.notify.outcome import Disposition
from crds.client import Cluster
from database.pool import DeadlineConnection
from domain.errors import UnavailableError
from domain.jobs import JobOrder, UncertainError
from storage.settings import OutputTarget
from tests.integration.trickling import PATIENCE_SECONDS, PAUSE_SECONDS, trickling
from tests.support.builders.notifications import BASE, a_notification
from webapi.http.jwks import from_url

LONGEST_SECONDS = 0.6
HEAD = b"HTTP/1.1 200 OK\r\n"
TARGET = OutputTarget("s3other", "http://127.0.0.1:9/", "", "outputs", SecretStr("key"), SecretStr("secret"), None)
ORDER = JobOrder("coconutcoconutcoconutcocon", 1, "1-word", "http://127.0.0.1:9/original", "http://127.0.0.1:9/hook")


def _seconds(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


TRICKLES = pytest.mark.parametrize(
    ("head", "drop"),
    [
        pytest.param(b"HTTP/1.1 200 ", b"x", id="the-first-line"),
        pytest.param(HEAD + b"X-Long: ", b"x", id="a-header"),
        pytest.param(HEAD, b"X: y\r\n", id="headers-without-end"),
        pytest.param(HEAD + b"Content-Length: 100000\r\n\r\n", b" ", id="a-body"),
        pytest.param(HEAD + b"\r\n", b"{}", id="a-body-without-length"),
    ],
)


def coconut(port: int) -> Coconut:
    return Coconut(f"http://127.0.0.1:{port}/v2", SecretStr("key"), TARGET, timeout_seconds=LONGEST_SECONDS)


@TRICKLES
def test_a_job_that_coconut_tells_of_without_end_is_unavailable(head: bytes, drop: bytes) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            coconut(port).job("job")

    with trickling(head, drop) as port:
        assert LONGEST_SECONDS <= _seconds(ask) < PATIENCE_SECONDS / 2


@TRICKLES
def test_a_submission_that_is_answered_without_end_is_uncertain(head: bytes, drop: bytes) -> None:
    def ask() -> None:
        with pytest.raises(UncertainError):
            coconut(port).start(ORDER)

    with trickling(head, drop) as port:
        assert LONGEST_SECONDS <= _seconds(ask) < PATIENCE_SECONDS / 2


@TRICKLES
def test_an_issuer_that_sends_its_keys_without_end_is_unavailable(head: bytes, drop: bytes) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            from_url(f"http://127.0.0.1:{port}/keys", timeout_seconds=LONGEST_SECONDS)()

    with trickling(head, drop) as port:
        assert LONGEST_SECONDS <= _seconds(ask) < PATIENCE_SECONDS / 2


@TRICKLES
def test_an_api_server_that_answers_without_end_is_unavailable(head: bytes, drop: bytes, tmp_path: Path) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            cluster.request("GET", "/api", timeout_seconds=LONGEST_SECONDS)

    with trickling(head, drop) as port:
        cluster = Cluster.from_environment(namespace="n", kubeconfig=_kubeconfig(tmp_path, port))
        assert LONGEST_SECONDS <= _seconds(ask) < PATIENCE_SECONDS / 2


def test_a_connection_to_the_api_server_that_was_kept_is_bounded_too(tmp_path: Path) -> None:
    whole = HEAD + b"Content-Length: 2\r\n\r\n{}"

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(whole)
            connection.recv(65536)
            connection.sendall(HEAD)
            ends_at = time.monotonic() + PATIENCE_SECONDS
            while time.monotonic() < ends_at:
                connection.sendall(b"X: y\r\n")
                time.sleep(PAUSE_SECONDS)

    def ask() -> None:
        with pytest.raises(UnavailableError):
            cluster.request("GET", "/api", timeout_seconds=LONGEST_SECONDS)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener])
        thread.start()
        cluster = Cluster.from_environment(namespace="n", kubeconfig=_kubeconfig(tmp_path, listener.getsockname()[1]))
        assert cluster.request("GET", "/api") == {}
        assert _seconds(ask) < PATIENCE_SECONDS / 2
        thread.join()


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        pytest.param(b"220 mail", b"x", id="the-greeting"),
        pytest.param(b"220 mail\r\n", b"250-X\r\n", id="extensions-without-end"),
        pytest.param(b"220 mail\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n250", b"x", id="the-answer-to-the-mail"),
    ],
)
def test_a_mail_server_that_talks_without_end_has_not_accepted_the_mail(head: bytes, drop: bytes) -> None:
    def send() -> None:
        mail = MailSender(
            smtp_server_of(f"smtp://127.0.0.1:{port}"),
            sender="videos@example.net",
            playback_base=BASE,
            longest_seconds=LONGEST_SECONDS,
        )
        assert mail.send(a_notification(email="ann@example.com")).disposition is Disposition.RETRY

    with trickling(head, drop) as port:
        assert LONGEST_SECONDS <= _seconds(send) < PATIENCE_SECONDS / 2


def test_a_statement_that_is_answered_without_end_loses_its_connection(database_url: str) -> None:
    with DeadlineConnection.connect(database_url, autocommit=True) as connection:
        connection.timeout_seconds = LONGEST_SECONDS
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT n, pg_sleep(0.05) FROM generate_series(1, 160) AS n")
        assert time.monotonic() - began < PATIENCE_SECONDS / 2
        assert connection.closed


def _kubeconfig(directory: Path, port: int) -> Path:
    file = directory / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
        "current-context": "c",
    }
    file.write_text(json.dumps(config))
    return file
