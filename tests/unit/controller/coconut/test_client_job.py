"""How a job is read from Coconut's JSON, and what of its message may be shown."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from controller.coconut.client import _job, _JobAnswer, redacted
from domain.jobs import JobState


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
def test_each_status_of_coconut_is_a_job_state(status: str, state: JobState) -> None:
    assert job(status=status).state is state


@pytest.mark.parametrize(
    ("progress", "percent"), [("0%", 0), ("37%", 37), ("100%", 100), ("250%", 100), ("", 0), ("half", 0), ("-3%", 0)]
)
def test_progress(progress: str, percent: int) -> None:
    assert job(progress=progress).progress_percent == percent


SKIPPED = {"key": "hls-a", "status": "httpstream.skipped"}


@pytest.mark.parametrize(
    ("changes", "problem", "is_undecodable"),
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
            {
                "outputs": [
                    {"key": "hls-b", "status": "httpstream.failed", "error": "FFmpeg error."},
                    {"key": "jpg", "status": "image.failed", "error": "Couldn't be encoded: a FFmpeg error."},
                ]
            },
            "hls-b: FFmpeg error.",
            True,
            id="not-even-a-thumbnail",
        ),
        pytest.param(
            {"outputs": [{"key": "jpg", "status": "image.failed", "error": "couldn't be uploaded: AccessDenied"}]},
            "jpg: couldn't be uploaded: AccessDenied",
            False,
            id="storage-takes-no-thumbnail",
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
def test_why_a_job_failed(changes: dict[str, Any], problem: str, is_undecodable: bool) -> None:
    failed = job(status="job.failed", **changes)
    assert (failed.problem, failed.answer, failed.is_undecodable) == (problem, problem, is_undecodable)


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
def test_the_message_of_coconut_is_redacted(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize("job_id", ["", "a/../b", "a b", "x" * 65, "../jobs", "a\n"])
def test_a_malformed_job_id_names_no_job(job_id: str) -> None:
    with pytest.raises(ValidationError):
        _JobAnswer.model_validate_json(job_json(id=job_id))
