"""POST /api/v1/videos/{id}/upload_url: another signed URL for the same upload."""

from datetime import timedelta
from typing import Any

import pytest

from domain.video import Phase, Reason, Rejection, SourceFacts
from tests.support.api import A_VIDEO, CREATED_AT, Api


def test_a_fresh_url_differs_from_the_first_only_in_its_expiry(api: Api) -> None:
    created = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "size_bytes": 9000}).json
    row = api.row(created["video_id"])
    api.now += timedelta(minutes=20)
    answer = api.call("POST", f"/api/v1/videos/{created['video_id']}/upload_url")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.json == {**created, "expires_at": "2026-03-01T12:35:00Z"}
    assert api.row(created["video_id"]) == row


@pytest.mark.parametrize("phase", list(Phase))
def test_a_url_is_issued_only_while_the_video_waits_for_its_file(api: Api, phase: Phase) -> None:
    video_id = api.create()
    source = None if phase in {Phase.PENDING, Phase.UPLOADING} else SourceFacts("etag", CREATED_AT, 9, "mp4")
    api.observe(video_id, phase=phase, source=source)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/upload_url")

    if source is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json["code"]) == (409, "upload_closed")
        assert "upload_url" not in answer.json


def test_after_the_confirmation_nothing_new_is_signed_until_the_file_was_rejected(api: Api) -> None:
    video_id = api.create()
    path = f"/api/v1/videos/{video_id}"
    api.store(video_id, b"text")
    api.call("POST", f"{path}/upload_complete")
    closed = api.call("POST", f"{path}/upload_url")
    assert (closed.status_code, closed.json["code"]) == (409, "upload_closed")

    rejected = Rejection("not_a_video", "no video", "etag@1", confirmations=1)
    api.observe(video_id, reason=Reason.FILE_REJECTED, rejected=rejected)
    assert api.call("POST", f"{path}/upload_url").status_code == 200

    api.call("POST", f"{path}/upload_complete")
    assert api.call("POST", f"{path}/upload_url").status_code == 409


@pytest.mark.parametrize("taken_up", [{"retries": 1}, {"retry_token": "monday"}], ids=["by-api", "by-annotation"])
def test_a_retry_that_waits_for_another_file_gets_a_url(api: Api, taken_up: dict[str, Any]) -> None:
    video_id = api.create()
    api.store(video_id, b"text")
    api.call("POST", f"/api/v1/videos/{video_id}/upload_complete")
    api.observe(video_id, phase=Phase.ERRORED, rejections=2)
    api.observe(video_id, phase=Phase.UPLOADING, rejections=0, rejected=None, confirmations_floor=1, **taken_up)

    assert api.call("POST", f"/api/v1/videos/{video_id}/upload_url").status_code == 200


def test_a_failed_upload_must_be_retried_first(api: Api) -> None:
    video_id = api.create()
    api.observe(video_id, phase=Phase.ERRORED)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/upload_url")

    assert (answer.status_code, answer.json["code"]) == (409, "upload_closed")


@pytest.mark.parametrize("suffix", ["/upload_url", "/upload_complete"])
@pytest.mark.parametrize("phase", [Phase.UPLOADING, Phase.PROCESSING])
def test_a_deleted_video_gets_no_url(api: Api, suffix: str, phase: Phase) -> None:
    video_id = api.create()
    api.observe(video_id, phase=phase)
    api.store(video_id)
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    row = api.row(video_id)
    answer = api.call("POST", f"/api/v1/videos/{video_id}{suffix}")

    assert (answer.status_code, answer.json["code"]) == (409, "upload_closed")
    assert "restore" in answer.json["detail"]
    assert api.row(video_id) == row
