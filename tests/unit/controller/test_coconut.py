"""What Coconut's answers and silences mean. The wire itself is in tests/integration/test_coconut_client.py."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from pydantic import SecretStr, ValidationError
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

from controller.coconut import Coconut, _job, _JobAnswer, redacted
from controller.ports import JobOrder, JobState, UncertainError
from crds.trouble import RefusedError, UnavailableError
from spaces.settings import OutputTarget

TARGET = OutputTarget("s3", "https://s3.test", "tor1", "outputs", SecretStr("key"), SecretStr("very-secret"), None)
ORDER = JobOrder(
    "coconutcoconutcoconutcocon", 1, "https://s3.test/original?X-Amz-Signature=1", "https://api.test/hook?sig=2"
)
POOL = HTTPConnectionPool("coconut.test")
CONNECTION = HTTPConnection("coconut.test")


def job_json(**changes: Any) -> bytes:
    """Return a job as Coconut shows it, a moment after it was accepted."""
    job = {
        "id": "S9BkOufdntiPR9",
        "created_at": "2026-09-25 17:45:59 +0000",
        "completed_at": None,
        "status": "job.starting",
        "progress": "0%",
        "input": {"status": "input.starting"},
        "outputs": [{"key": "hls", "type": "httpstream", "format": "httpstream", "status": "httpstream.waiting"}],
    }
    return json.dumps(job | changes).encode()


def job(**changes: Any) -> Any:
    return _job(_JobAnswer.model_validate_json(job_json(**changes)))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("job.starting", JobState.IN_PROGRESS),
        ("job.processing", JobState.IN_PROGRESS),
        ("job.a_word_of_next_year", JobState.IN_PROGRESS),
        ("job.completed", JobState.COMPLETED),
        ("job.failed", JobState.FAILED),
    ],
)
def test_states(status: str, state: JobState) -> None:
    assert job(status=status).state is state


@pytest.mark.parametrize(
    ("progress", "percent"), [("0%", 0), ("37%", 37), ("100%", 100), ("250%", 100), ("", 0), ("half", 0), ("-3%", 0)]
)
def test_progress(progress: str, percent: int) -> None:
    assert job(progress=progress).progress_percent == percent


SKIPPED = {"key": "hls-a", "status": "httpstream.skipped"}


@pytest.mark.parametrize(
    ("changes", "problem", "is_permanent"),
    [
        pytest.param({}, "no reason given", False, id="no-word"),
        pytest.param(
            {"input": {"status": "input.failed", "error": "connection reset"}},
            "the input could not be read: connection reset",
            False,
            id="input-by-chance",
        ),
        pytest.param(
            {"input": {"status": "input.failed", "error": "Source is not a valid file"}},
            "the input could not be read: Source is not a valid file",
            True,
            id="input-for-good",
        ),
        pytest.param(
            {"outputs": [SKIPPED, {"key": "hls-b", "status": "httpstream.failed", "error": "FFmpeg error."}]},
            "hls-b: FFmpeg error.",
            False,
            id="output-by-chance",
        ),
        pytest.param(
            {"outputs": [{"key": "jpg", "status": "image.failed", "error": "Unsupported codec"}]},
            "jpg: Unsupported codec",
            True,
            id="output-for-good",
        ),
        pytest.param(
            {"outputs": [{"key": "hls-b", "status": "httpstream.failed"}]},
            "hls-b: no reason given",
            False,
            id="no-reason",
        ),
    ],
)
def test_why_a_job_failed(changes: dict[str, Any], problem: str, is_permanent: bool) -> None:
    failed = job(status="job.failed", **changes)
    assert (failed.problem, failed.answer, failed.is_permanent) == (problem, problem, is_permanent)


def test_a_job_that_did_not_fail_has_no_problem() -> None:
    assert (job(status="job.completed").problem, job(status="job.completed").answer) == ("", None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("GET https://s3.test/a?X-Amz-Signature=1 failed", "GET [url] failed", id="signed-url"),
        pytest.param("http://u:p@host/x", "[url]", id="credentials"),
        pytest.param("HTTPS://s3.test/a?sig=1", "[url]", id="upper-case"),
        pytest.param("s3://key:secret@bucket/x", "[url]", id="other-scheme"),
        pytest.param("a\x00b\nc\x1b[31m", "a b c [31m", id="control-characters"),
        pytest.param("x" * 5000, "x" * 4096, id="too-long"),
    ],
)
def test_words_are_redacted_before_they_are_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize("job_id", ["", "a/../b", "a b", "x" * 65, "../jobs", "a\n"])
def test_what_is_no_job_id_names_no_job(job_id: str) -> None:
    with pytest.raises(ValidationError):
        _JobAnswer.model_validate_json(job_json(id=job_id))


def over_retries(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(POOL, "/v2/jobs", reason))


def silence(error: Exception) -> Callable[..., requests.Response]:
    def request(*_: object, **__: object) -> requests.Response:
        raise error

    return request


def answer(status: int, body: bytes = b"", *, retry_after: str | None = None) -> Callable[..., requests.Response]:
    made = requests.Response()
    made.status_code = status
    made._content = body
    if retry_after is not None:
        made.headers["Retry-After"] = retry_after
    return lambda *_, **__: made


@pytest.fixture
def coconut() -> Coconut:
    return Coconut("https://coconut.test/v2", SecretStr("api-key"), TARGET, timeout_seconds=5)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(requests.ConnectTimeout(MaxRetryError(POOL, "/", ConnectTimeoutError())), id="connect-timeout"),
        pytest.param(over_retries(NewConnectionError(CONNECTION, "refused")), id="connection-refused"),
        pytest.param(over_retries(NameResolutionError("coconut.test", CONNECTION, OSError())), id="no-such-host"),  # type: ignore[arg-type]
    ],
)
def test_an_order_that_never_left_may_be_made_again(
    coconut: Coconut, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "post", silence(error))
    with pytest.raises(UnavailableError):
        coconut.start(ORDER)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(requests.ReadTimeout(ReadTimeoutError(POOL, "/", "read")), id="read-timeout"),
        pytest.param(
            requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError())), id="reset"
        ),
        pytest.param(requests.ConnectionError(), id="no-cause"),
        pytest.param(requests.exceptions.ChunkedEncodingError(), id="cut-off-answer"),
        pytest.param(over_retries(HTTPError("who knows")), id="anything-else"),
    ],
)
def test_an_order_whose_answer_was_lost_is_uncertain(
    coconut: Coconut, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "post", silence(error))
    with pytest.raises(UncertainError):
        coconut.start(ORDER)


BAD_REQUEST = b'{"message": "why https://s3.test?sig=1", "error_code": "output_param_not_valid", "status": "error"}'


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(500, b"", UncertainError, id="500"),
        pytest.param(503, b"", UncertainError, id="503"),
        pytest.param(201, b"thanks", UncertainError, id="no-json"),
        pytest.param(201, b'{"status": "job.starting"}', UncertainError, id="no-job"),
        pytest.param(429, b"", UnavailableError, id="too-many"),
        pytest.param(401, BAD_REQUEST, UnavailableError, id="key-revoked"),
        pytest.param(402, b"", UnavailableError, id="account-suspended"),
        pytest.param(403, b"", UnavailableError, id="forbidden"),
        pytest.param(302, b"", UnavailableError, id="redirected"),
        pytest.param(400, BAD_REQUEST, RefusedError, id="bad-body"),
        pytest.param(422, b"<html>", RefusedError, id="unprocessable"),
    ],
)
def test_answers_to_an_order(
    coconut: Coconut, status: int, body: bytes, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "post", answer(status, body))
    with pytest.raises(kind) as raised:
        coconut.start(ORDER)
    assert type(raised.value) is kind
    assert "sig=" not in str(raised.value)


def test_a_refusal_names_its_code_and_nothing_else(coconut: Coconut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "post", answer(400, BAD_REQUEST))
    with pytest.raises(RefusedError, match=r"^POST /jobs at Coconut: HTTP 400 output_param_not_valid$"):
        coconut.start(ORDER)


def test_a_wish_to_be_left_alone_is_passed_on(coconut: Coconut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "post", answer(429, retry_after="7"))
    with pytest.raises(UnavailableError) as raised:
        coconut.start(ORDER)
    assert raised.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("status", "body", "seconds"),
    [
        (200, b'{"metadata": {"input": {"format": {"duration": "12.5"}}}}', 12.5),
        (200, b'{"metadata": {"input": {}}}', None),
        (200, b'{"metadata": {"input": {"format": {"duration": "nan"}}}}', None),
        (200, b"[]", None),
        (404, b"", None),
    ],
)
def test_the_duration_of_an_input(
    coconut: Coconut, status: int, body: bytes, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "get", answer(status, body))
    assert coconut.input_seconds("job1") == seconds


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_question_without_an_answer_is_asked_later(
    coconut: Coconut, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "get", answer(status))
    with pytest.raises(UnavailableError):
        coconut.job("job1")


def test_only_a_plain_no_means_that_there_is_no_job(coconut: Coconut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "get", answer(404))
    assert coconut.job("job1") is None
    monkeypatch.setattr(requests, "get", answer(200, b"<html>"))
    with pytest.raises(UnavailableError):
        coconut.job("job1")
