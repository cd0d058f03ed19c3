"""Upstreams that send a byte now and then: each wait is short, and all of them together are bounded too.

Receivers of webhooks have a page of their own, test_webhook_trickle.py.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

import storage.client
from controller.coconut.client import Coconut
from controller.notify.email import MailSender, smtp_server_of
from controller.notify.outcome import Disposition
from crds.client import Cluster
from database.pool import DeadlineConnection
from domain.errors import UnavailableError
from domain.jobs import JobOrder, UncertainError
from domain.objects import ObjectFacts, StoredPart
from storage.listing import Inventory
from storage.multipart import Multipart
from storage.object_store import Storage
from storage.settings import OutputTarget, StorageSettings
from tests.support.builders.notifications import BASE, a_notification
from tests.support.trickle import HEAD, PATIENCE_SECONDS, seconds_of, serving, trickle, trickling
from webapi.http.jwks import from_url

LONGEST_SECONDS = 0.6
TARGET = OutputTarget("s3other", "http://127.0.0.1:9/", "", "outputs", SecretStr("key"), SecretStr("secret"), None)
ORDER = JobOrder("coconutcoconutcoconutcocon", 1, "1-word", "http://127.0.0.1:9/original", "http://127.0.0.1:9/hook")


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
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


@TRICKLES
def test_a_submission_that_is_answered_without_end_is_uncertain(head: bytes, drop: bytes) -> None:
    def ask() -> None:
        with pytest.raises(UncertainError):
            coconut(port).start(ORDER)

    with trickling(head, drop) as port:
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


def s3(port: int, **changes: object) -> StorageSettings:
    settings = {
        "endpoint": f"http://127.0.0.1:{port}",
        "region": "us-east-1",
        "access_key": "key",
        "secret_key": "secret",
        "raw_bucket": "raw",
        "processed_bucket": "processed",
        "public_base_url": "http://127.0.0.1:9",
        "addressing_style": "path",
        "connect_timeout_seconds": LONGEST_SECONDS / 2,
        "read_timeout_seconds": LONGEST_SECONDS / 2,
        "max_attempts": 1,
    }
    return StorageSettings.model_validate(settings | changes)


FACTS = ObjectFacts(etag="e", last_modified=datetime(2026, 7, 1, tzinfo=UTC), file_bytes=1000, content_type="video/mp4")
PART = StoredPart(1, "e", 1, FACTS.last_modified)
S3_CALLS = pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda settings: Storage(settings).head("uploads/x"), id="head"),
        pytest.param(lambda settings: Storage(settings).read_playlist("x"), id="read-a-playlist"),
        pytest.param(
            lambda settings: Storage(settings).verify_source("k", FACTS, declared_bytes=None, max_bytes=9999),
            id="read-an-original",
        ),
        pytest.param(lambda settings: Storage(settings).write_playlist("x", "text", is_private=False), id="write"),
        pytest.param(lambda settings: Storage(settings).is_readable("x"), id="list"),
        pytest.param(lambda settings: Storage(settings).remove_original("uploads/x"), id="remove"),
        pytest.param(lambda settings: Multipart(settings).parts("uploads/x", "u"), id="list-parts"),
        pytest.param(lambda settings: list(Inventory(settings).file_pages("processed/")), id="list-the-bucket"),
    ],
)


@TRICKLES
def test_a_store_that_answers_without_end_is_unavailable(head: bytes, drop: bytes) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            Storage(s3(port)).is_readable("x")

    with trickling(head, drop) as port:
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


@S3_CALLS
def test_each_call_to_a_store_ends_in_time(call: Callable[[StorageSettings], object]) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            call(s3(port))

    with trickling(HEAD, b"X: y\r\n") as port:
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda storage: storage.read_playlist("x"), id="a-playlist"),
        pytest.param(
            lambda storage: storage.verify_source("k", FACTS, declared_bytes=None, max_bytes=9999), id="an-original"
        ),
    ],
)
@pytest.mark.parametrize("length", [b"Content-Length: 100000\r\n", b""], ids=["of-known-length", "without-length"])
def test_a_file_that_is_read_without_end_is_never_taken_for_a_short_one(
    length: bytes, call: Callable[[Storage], object]
) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            call(Storage(s3(port)))

    with trickling(HEAD + length + b"\r\n", b"#EXTM3U\n") as port:
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(
            lambda settings: Storage(settings).keep_original("uploads/x", "originals/x", etag="e", file_bytes=1),
            id="copy",
        ),
        pytest.param(lambda settings: Multipart(settings).complete("uploads/x", "u", [PART]), id="join"),
    ],
)
def test_a_copy_that_is_answered_without_end_is_unavailable(
    call: Callable[[StorageSettings], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stores that copy for long send blanks meanwhile: that alone must not go on without an end."""
    monkeypatch.setattr(storage.client, "_LONG_SECONDS", LONGEST_SECONDS)

    def ask() -> None:
        with pytest.raises(UnavailableError):
            call(s3(port))

    with trickling(HEAD + b"Content-Length: 100000\r\n\r\n", b" ") as port:
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


@TRICKLES
def test_an_issuer_that_sends_its_keys_without_end_is_unavailable(head: bytes, drop: bytes) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            from_url(f"http://127.0.0.1:{port}/keys", timeout_seconds=LONGEST_SECONDS)()

    with trickling(head, drop) as port:
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


@TRICKLES
def test_an_api_server_that_answers_without_end_is_unavailable(head: bytes, drop: bytes, tmp_path: Path) -> None:
    def ask() -> None:
        with pytest.raises(UnavailableError):
            cluster.request("GET", "/api", timeout_seconds=LONGEST_SECONDS)

    with trickling(head, drop) as port:
        cluster = Cluster.from_environment(namespace="n", kubeconfig=_kubeconfig(tmp_path, port))
        assert LONGEST_SECONDS <= seconds_of(ask) < PATIENCE_SECONDS / 2


def test_a_connection_to_the_api_server_that_was_kept_is_bounded_too(tmp_path: Path) -> None:
    whole = HEAD + b"Content-Length: 2\r\n\r\n{}"

    def serve(listener: socket.socket, stop: threading.Event) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(whole)
            connection.recv(65536)
            trickle(connection, HEAD, b"X: y\r\n", stop)

    def ask() -> None:
        with pytest.raises(UnavailableError):
            cluster.request("GET", "/api", timeout_seconds=LONGEST_SECONDS)

    with serving(serve) as port:
        cluster = Cluster.from_environment(namespace="n", kubeconfig=_kubeconfig(tmp_path, port))
        assert cluster.request("GET", "/api") == {}
        assert seconds_of(ask) < PATIENCE_SECONDS / 2


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
        assert LONGEST_SECONDS <= seconds_of(send) < PATIENCE_SECONDS / 2


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
