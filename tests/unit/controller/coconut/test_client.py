"""What each response of Coconut, or none, means. tests/integration/test_coconut_client.py has the wire itself."""

import json
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest
import requests
from pydantic import SecretStr
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)
from urllib3.exceptions import SSLError as TlsError

from controller.coconut.client import Coconut
from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.jobs import JobOrder, UncertainError
from storage.settings import OutputTarget

TARGET = OutputTarget("s3", "https://s3.test", "tor1", "outputs", SecretStr("key"), SecretStr("very-secret"), None)
ORDER = JobOrder(
    "coconutcoconutcoconutcocon",
    1,
    "1-word",
    "https://s3.test/original?X-Amz-Signature=1",
    "https://api.test/hook?sig=2",
)
POOL = HTTPConnectionPool("coconut.test")
CONNECTION = HTTPConnection("coconut.test")


def over_retries(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(POOL, "/v2/jobs", reason))


def untrusted(reason: ssl.SSLError) -> requests.exceptions.SSLError:
    return requests.exceptions.SSLError(MaxRetryError(POOL, "/v2/jobs", TlsError(reason)))


def silence(error: Exception) -> Callable[..., requests.Response]:
    def request(*_: object, **__: object) -> requests.Response:
        raise error

    return request


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[..., requests.Response]:
    made = requests.Response()
    made.status_code = status
    made._content = body
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return lambda *_, **__: made


@pytest.fixture
def coconut() -> Coconut:
    return Coconut("https://coconut.test/v2", SecretStr("api-key"), TARGET, timeout_seconds=5)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(requests.ConnectTimeout(MaxRetryError(POOL, "/", ConnectTimeoutError())), id="connect-timeout"),
        pytest.param(over_retries(NewConnectionError(CONNECTION, "refused")), id="connection-refused"),
        pytest.param(untrusted(ssl.SSLCertVerificationError("expired")), id="certificate-not-trusted"),
        pytest.param(over_retries(NameResolutionError("coconut.test", CONNECTION, OSError())), id="no-such-host"),  # type: ignore[arg-type]
    ],
)
def test_a_submission_that_never_left_may_be_repeated(
    coconut: Coconut, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", silence(error))
    with pytest.raises(UnavailableError):
        coconut.start(ORDER)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(requests.ReadTimeout(ReadTimeoutError(POOL, "/", "read")), id="read-timeout"),
        pytest.param(
            requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())), id="reset"
        ),
        pytest.param(untrusted(ssl.SSLZeroReturnError("closed")), id="tls-closed"),
        pytest.param(requests.exceptions.SSLError(MaxRetryError(POOL, "/", TlsError())), id="tls-without-a-word"),
        pytest.param(requests.ConnectionError(), id="no-cause"),
        pytest.param(requests.exceptions.ChunkedEncodingError(), id="cut-off-answer"),
        pytest.param(over_retries(HTTPError("who knows")), id="anything-else"),
    ],
)
def test_a_submission_whose_response_was_lost_is_uncertain(
    coconut: Coconut, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", silence(error))
    with pytest.raises(UncertainError):
        coconut.start(ORDER)


def refusal(code: object) -> bytes:
    return json.dumps({"message": "why https://s3.test?sig=1", "error_code": code, "status": "error"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        pytest.param(500, b"", UncertainError, "HTTP 500", id="500"),
        pytest.param(503, b"", UncertainError, "HTTP 503", id="503"),
        pytest.param(408, b"", UncertainError, "HTTP 408", id="a-proxy-that-waited-too-long"),
        pytest.param(499, b"", UncertainError, "HTTP 499", id="a-proxy-whose-client-left"),
        pytest.param(201, b"thanks", UncertainError, "an answer that names no job", id="no-json"),
        pytest.param(201, b'{"status": "job.starting"}', UncertainError, "an answer that names no job", id="no-job"),
        pytest.param(429, b"", UnavailableError, "HTTP 429", id="too-many"),
        pytest.param(302, b"", UnavailableError, "HTTP 302", id="redirected"),
        pytest.param(402, b"", UnavailableError, "HTTP 402", id="unpaid"),
        pytest.param(403, b"", UnavailableError, "HTTP 403", id="forbidden"),
        pytest.param(404, b"", UnavailableError, "HTTP 404", id="a-wrong-address"),
        pytest.param(400, b"<html>", UnavailableError, "HTTP 400", id="a-gateway"),
        pytest.param(400, b"[]", UnavailableError, "HTTP 400", id="no-code"),
        pytest.param(400, refusal(7), UnavailableError, "HTTP 400", id="a-code-that-is-none"),
        pytest.param(400, refusal("a b\nc"), UnavailableError, "HTTP 400", id="a-code-with-other-things"),
    ],
)
def test_a_response_to_a_submission_raises_what_to_do_next(
    coconut: Coconut, status: int, body: bytes, kind: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(status, body))
    with pytest.raises(kind) as raised:
        coconut.start(ORDER)
    assert str(raised.value) == f"POST /jobs at Coconut: {message}"


@pytest.mark.parametrize("status", [400, 401, 402, 403, 409, 422])
@pytest.mark.parametrize(
    "code",
    [
        "authentication_failed",
        "account_suspended",
        "storage_credentials_not_valid",
        "storage_service_not_valid",
        "notification_not_valid",
        "output_param_not_valid",
        "outputs_out_of_range",
        "a_code_of_next_year",
    ],
)
def test_a_refusal_that_would_hit_every_upload_fails_none(
    coconut: Coconut, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(status, refusal(code)))
    with pytest.raises(UnavailableError, match=f"^POST /jobs at Coconut: HTTP {status} {code}$"):
        coconut.start(ORDER)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        pytest.param(400, "input_not_valid", RefusedError, id="input"),
        pytest.param(422, "input_not_valid", RefusedError, id="unprocessable"),
        pytest.param(400, "source_is_not_a_valid_file", RefusedError, id="source"),
        pytest.param(400, "transcoding_video_too_long", RefusedError, id="too-long"),
        pytest.param(400, "an_input_not_valid", UnavailableError, id="another-code"),
        pytest.param(401, "input_not_valid", UnavailableError, id="an-account-is-judged-first"),
    ],
)
def test_a_refusal_of_this_file_is_final(
    coconut: Coconut, status: int, code: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(status, refusal(code)))
    with pytest.raises(kind, match=f"^POST /jobs at Coconut: HTTP {status} {code}$"):
        coconut.start(ORDER)


@pytest.mark.parametrize("status", [302, 401, 429, 500, 503])
@pytest.mark.parametrize("method", ["post", "get"])
def test_retry_after_is_passed_on(coconut: Coconut, status: int, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(status, Retry_After="7"))
    with pytest.raises((UnavailableError, UncertainError)) as raised:
        coconut.start(ORDER) if method == "post" else coconut.job("job1")
    assert isinstance(raised.value, UnavailableError | UncertainError)
    assert raised.value.retry_after_seconds == 7


def described(format_name: str, *streams: dict[str, object]) -> bytes:
    """Return metadata as Coconut sends it, in the shape of ffprobe."""
    return json.dumps({"metadata": {"input": {"streams": streams, "format": {"format_name": format_name}}}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        pytest.param(200, described("mov,mp4", {"codec_type": "video", "duration": "12.5"}), 12.5, id="its-own"),
        pytest.param(
            200,
            described(
                "mov,mp4",
                {"codec_type": "video", "duration": "0.04", "disposition": {"attached_pic": 1}},
                {"codec_type": "audio", "duration": "9"},
                {"codec_type": "video", "duration": "2.0"},
            ),
            2.0,
            id="not-the-cover-and-not-the-sound",
        ),
        pytest.param(
            200,
            described("matroska,webm", {"codec_type": "video", "tags": {"DURATION": "00:01:04.500000000"}}),
            64.5,
            id="a-tag-of-matroska",
        ),
        pytest.param(
            200,
            described("matroska,webm", {"codec_type": "video", "tags": {"DURATION": "soon"}}),
            None,
            id="a-tag-without-a-time",
        ),
        pytest.param(
            200, described("mpegts", {"codec_type": "video", "duration": "7201.8"}), None, id="time-stamps-that-jump"
        ),
        pytest.param(200, described("mov,mp4", {"codec_type": "audio", "duration": "9"}), None, id="sound-only"),
        pytest.param(200, described("mov,mp4", {"codec_type": "video", "duration": "nan"}), None, id="no-number"),
        pytest.param(200, described("mov,mp4", {"codec_type": "video", "duration": "-1"}), None, id="below-zero"),
        pytest.param(200, b'{"metadata": {"input": {"format": {"duration": "12.5"}}}}', None, id="the-container-only"),
        pytest.param(200, b'{"metadata": {"input": {}}}', None, id="nothing"),
        pytest.param(200, b"[]", None, id="another-shape"),
        pytest.param(404, b"", None, id="unknown-job"),
    ],
)
def test_the_duration_of_an_inputs_picture(
    coconut: Coconut, status: int, body: bytes, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(status, body))
    assert coconut.picture_seconds("job1") == seconds


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_job_that_cannot_be_read_is_read_later(
    coconut: Coconut, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(status))
    with pytest.raises(UnavailableError):
        coconut.job("job1")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(404, b"<html><h1>Not Found</h1></html>", id="a-404-page-of-a-proxy"),
        pytest.param(404, b"default backend - 404", id="a-load-balancer-during-a-deploy"),
        pytest.param(404, b'{"message": "no Route matched"}', id="a-gateway-that-speaks-json"),
        pytest.param(410, b"", id="gone"),
        pytest.param(200, b"<html>", id="a-page-instead-of-a-job"),
    ],
)
def test_a_response_of_a_proxy_says_nothing_about_a_job(
    coconut: Coconut, status: int, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(status, body))
    with pytest.raises(UnavailableError):
        coconut.job("job1")


def test_coconuts_empty_404_means_that_it_does_not_know_the_job(
    coconut: Coconut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.coconut.client.exchange", answer(404))
    assert coconut.job("job1") is None


def test_calls_are_counted_by_operation_and_status(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, int | None]] = []
    coconut = Coconut(
        "https://coconut.test/v2",
        SecretStr("api-key"),
        TARGET,
        timeout_seconds=5,
        on_call=lambda operation, status, _seconds: counted.append((operation, status)),
    )
    responses = {"POST": answer(429), "GET": answer(404)}
    monkeypatch.setattr("controller.coconut.client.exchange", lambda method, *_, **__: responses[method]())
    with suppress(UpstreamError):
        coconut.start(ORDER)
    coconut.job("job1")
    coconut.picture_seconds("job1")
    monkeypatch.setattr("controller.coconut.client.exchange", silence(requests.ReadTimeout()))
    with suppress(UpstreamError):
        coconut.job("job1")

    assert counted == [("start", 429), ("job", 404), ("metadata", 404), ("job", None)]


@pytest.mark.parametrize(
    ("completed_at", "is_known"),
    [('"2026-05-01 10:00:00 +0000"', True), ('"yesterday"', False), ("null", False)],
)
def test_the_end_of_a_job_is_read_if_it_is_a_time(
    coconut: Coconut, completed_at: str, *, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = f'{{"id": "job1", "status": "job.completed", "completed_at": {completed_at}}}'.encode()
    monkeypatch.setattr("controller.coconut.client.exchange", answer(200, body))
    job = coconut.job("job1")
    assert job is not None
    assert (job.finished_at is not None) is is_known
