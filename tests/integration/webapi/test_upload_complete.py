"""POST /api/v1/videos/{id}/upload_complete: the client confirms that it has sent the file."""

import pytest

from domain.errors import UnavailableError
from domain.failures import Failure, FailureCode
from domain.video import Phase, Rejection
from tests.support.api import Api


def _upload(api: Api) -> str:
    video_id = api.create()
    api.store(video_id)
    api.offers.commands.clear()
    return video_id


def test_an_uploaded_file_is_queued(api: Api) -> None:
    video_id = _upload(api)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")

    assert answer.status_code == 202
    assert answer.json == {"status": "processing_queued", "video_id": video_id}
    assert api.row(video_id).desired.confirmations == 1
    assert api.offers.commands == [api.row(video_id).desired]


def test_confirming_again_gives_the_same_answer_and_changes_nothing(api: Api) -> None:
    video_id = _upload(api)
    first = api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")
    row = api.row(video_id)
    second = api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")

    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert api.row(video_id) == row


@pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING, Phase.READY, Phase.ERRORED])
def test_after_uploading_the_answer_is_the_same_without_a_storage_call(api: Api, phase: Phase) -> None:
    video_id = _upload(api)
    failure = Failure(FailureCode.NOT_A_VIDEO, "no video", 0) if phase is Phase.ERRORED else None
    api.observe(video_id, phase=phase, failure=failure)
    api.storage.raw.clear()
    row = api.row(video_id)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")

    assert (answer.status_code, answer.json["status"]) == (202, "processing_queued")
    assert api.row(video_id) == row
    assert not api.offers.commands


def test_a_missing_file_is_a_conflict_that_changes_nothing(api: Api) -> None:
    video_id = api.create()
    api.offers.commands.clear()
    row = api.row(video_id)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")

    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (409, "object_missing", True)
    assert api.row(video_id) == row
    assert not api.offers.commands


def test_after_a_rejection_a_new_confirmation_counts(api: Api) -> None:
    video_id = _upload(api)
    path = f"/api/v1/videos/{video_id}/upload_complete"
    api.call("POST", path)
    api.observe(video_id, rejected=Rejection("not_a_video", "no video", "etag@1", confirmations=1))
    api.call("POST", path)

    assert api.row(video_id).desired.confirmations == 2


def test_without_storage_nothing_changes_and_the_client_may_retry(api: Api) -> None:
    video_id = _upload(api)
    row = api.row(video_id)
    api.storage.error = UnavailableError("looking for the original: no answer")
    answer = api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")

    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")
    assert api.row(video_id) == row


@pytest.mark.parametrize(
    "video_id",
    [
        pytest.param("abcdefghijklmnopqrstuvwxy2", id="unknown"),
        pytest.param("short", id="not-an-id"),
        pytest.param("ABCDEFGHIJKLMNOPQRSTUVWXY2", id="upper-case"),
        pytest.param("abcdefghijklmnopqrstuvwxy2%0A", id="line-break"),
    ],
)
@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("POST", "/upload_complete")])
def test_an_unknown_video_is_not_found(api: Api, video_id: str, method: str, suffix: str) -> None:
    answer = api.call(method, f"/api/v1/videos/{video_id}{suffix}")

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
