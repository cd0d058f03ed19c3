"""The checks of the store at start, against a real S3 server, and against servers that take what was not signed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from structlog.testing import capture_logs

from devstack.s3 import S3Access
from storage.startup_check import check_buckets, check_upload_signing
from tests.integration.storage.reach import settings_for


def test_existing_buckets_pass_without_a_log_line(s3: S3Access) -> None:
    with capture_logs() as lines:
        check_buckets(settings_for(s3), process="the test")
    assert lines == []


@pytest.mark.parametrize("field", ["raw_bucket", "processed_bucket"])
def test_a_missing_bucket_ends_the_process_and_names_its_variable(s3: S3Access, field: str) -> None:
    with pytest.raises(SystemExit, match=f"^the test cannot start: S3_{field.upper()}: there is no such bucket$"):
        check_buckets(settings_for(s3, **{field: "no-such-bucket"}), process="the test")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"secret_key": "wrong"}, id="wrong-secret"),
        pytest.param({"access_key": "nobody"}, id="unknown-key"),
    ],
)
def test_a_refused_check_does_not_stop_the_start(s3: S3Access, changes: dict[str, str]) -> None:
    with capture_logs() as lines:
        check_buckets(settings_for(s3, **changes), process="the test")
    assert [(line["log_level"], line["event"]) for line in lines] == [("error", "bucket_refused")]


def test_a_key_without_the_right_to_list_is_logged(s3: S3Access) -> None:
    limited = {"access_key": s3.raw_reader_access_key, "secret_key": s3.raw_reader_secret_key}
    with capture_logs() as lines:
        check_buckets(settings_for(s3, **limited), process="the test")
    (line,) = lines
    assert (line["event"], line["variable"]) == ("bucket_refused", "S3_RAW_BUCKET and S3_PROCESSED_BUCKET")


def test_an_unavailable_server_does_not_stop_the_start(s3: S3Access) -> None:
    with capture_logs() as lines:
        check_buckets(settings_for(s3, endpoint="http://127.0.0.1:1"), process="the test")
    assert [(line["log_level"], line["event"]) for line in lines] == [("warning", "bucket_not_checked")]


@pytest.mark.parametrize("has_narrow_key", [True, False])
def test_a_server_that_refuses_headers_that_were_not_signed_passes(s3: S3Access, has_narrow_key: bool) -> None:
    settings = settings_for(s3)
    if not has_narrow_key:
        settings = settings.model_copy(update={"raw_writer_access_key": None, "raw_writer_secret_key": None})
    with capture_logs() as lines:
        check_upload_signing(settings, process="the test")
    assert lines == []


class ScriptedStore(ThreadingHTTPServer):
    """A store that answers each PUT with ``status`` and ``body``, whatever was signed. It keeps the requests."""

    daemon_threads = True

    def __init__(self, status: int, body: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body = status, body
        self.requests: list[tuple[str, str, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers for `ScriptedStore`."""

    server: ScriptedStore

    def answer(self) -> None:
        """Take any request."""
        self.server.requests.append((self.command, self.path.partition("?")[0], self.headers["x-amz-copy-source"]))
        self.send_response(self.server.status if self.command == "PUT" else 204)
        self.send_header("Content-Length", str(len(self.server.body) if self.command == "PUT" else 0))
        self.end_headers()
        if self.command == "PUT":
            self.wfile.write(self.server.body)

    do_PUT = do_DELETE = answer  # noqa: N815 - as http.server looks for them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(server: ScriptedStore) -> Iterator[str]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def an_error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code></Error>".encode()


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(lambda: ScriptedStore(200, b"<CopyObjectResult/>"), id="it-copies"),
        pytest.param(lambda: ScriptedStore(200), id="it-stores-an-empty-file"),
        pytest.param(lambda: ScriptedStore(404, an_error("NoSuchKey")), id="it-looks-for-the-source"),
        pytest.param(lambda: ScriptedStore(412, an_error("PreconditionFailed")), id="it-judges-the-copy"),
    ],
)
def test_a_server_that_takes_a_header_that_was_not_signed_ends_the_process(
    s3: S3Access, server: Callable[[], ScriptedStore]
) -> None:
    store = server()
    with serving(store) as endpoint, pytest.raises(SystemExit) as stopped:
        check_upload_signing(settings_for(s3, endpoint=endpoint), process="the test")
    said = str(stopped.value.code)
    assert said.startswith(
        "the test cannot start: S3_ENDPOINT: the store takes headers that were not signed (CVE-2026-54330"
    )
    assert "S3_RAW_WRITER_ACCESS_KEY" in said
    assert "\n" not in said
    probe = f"/{s3.raw_bucket}/uploads/.probe"
    assert store.requests == [("PUT", probe, f"{probe}-source"), ("DELETE", probe, None)], "it leaves nothing behind"


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(lambda: ScriptedStore(503, an_error("SlowDown")), id="overloaded"),
        pytest.param(lambda: ScriptedStore(404, an_error("NoSuchBucket")), id="no-bucket"),
        pytest.param(lambda: ScriptedStore(301, an_error("PermanentRedirect")), id="another-region"),
    ],
)
def test_a_server_that_cannot_tell_does_not_stop_the_start(s3: S3Access, server: Callable[[], ScriptedStore]) -> None:
    with serving(server()) as endpoint, capture_logs() as lines:
        check_upload_signing(settings_for(s3, endpoint=endpoint), process="the test")
    assert [(line["log_level"], line["event"]) for line in lines] == [("warning", "upload_signing_not_checked")]


def test_an_unavailable_server_does_not_stop_the_start_unprobed(s3: S3Access) -> None:
    with capture_logs() as lines:
        check_upload_signing(settings_for(s3, endpoint="http://127.0.0.1:1"), process="the test")
    assert [(line["log_level"], line["event"]) for line in lines] == [("warning", "upload_signing_not_checked")]
