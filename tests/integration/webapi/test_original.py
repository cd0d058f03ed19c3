"""The verified original: a short-lived URL for its owner."""

from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from domain.errors import UnavailableError
from domain.video import Phase
from tests.support.api import Api, verify_file


def _request_original(api: Api, video_id: str, user: str = "ann") -> tuple[int, str]:
    answer = api.call("GET", f"/api/v1/videos/{video_id}/original", user=user)
    return answer.status_code, answer.json.get("code", "")


def _verified(api: Api, phase: Phase = Phase.READY) -> str:
    video_id = api.create()
    verify_file(api, video_id, phase=phase)
    return video_id


def test_the_owner_gets_a_short_lived_url(api: Api) -> None:
    video_id = _verified(api)
    with capture_logs() as lines:
        answer = api.call("GET", f"/api/v1/videos/{video_id}/original")

    assert answer.status_code == 200
    assert set(answer.json) == {"video_id", "url", "expires_at", "filename", "size_bytes"}
    assert (answer.json["video_id"], answer.json["filename"], answer.json["size_bytes"]) == (video_id, "cats.mp4", 5)
    assert api.row(video_id).desired.storage_key in answer.json["url"]
    assert datetime.fromisoformat(answer.json["expires_at"]) == api.now + timedelta(minutes=5)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["url"] not in str(lines)


@pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING, Phase.READY, Phase.ERRORED])
def test_a_verified_original_is_available_in_every_phase(api: Api, phase: Phase) -> None:
    assert _request_original(api, _verified(api, phase)) == (200, "")


def test_an_unverified_original_is_not_available(api: Api) -> None:
    video_id = api.create()
    api.store(video_id)

    assert _request_original(api, video_id) == (409, "original_unavailable")


def test_a_lost_or_replaced_original_is_not_available(api: Api) -> None:
    video_id = _verified(api)
    key = api.row(video_id).desired.storage_key
    api.storage.put_raw(key, b"another")
    assert _request_original(api, video_id) == (409, "original_unavailable")

    del api.storage.raw[key]
    assert _request_original(api, video_id) == (409, "original_unavailable")


def test_a_deleted_video_is_restored_first(api: Api) -> None:
    video_id = _verified(api)
    api.commands.delete(video_id)
    answer = api.call("GET", f"/api/v1/videos/{video_id}/original")

    assert (answer.status_code, answer.json["code"]) == (409, "original_unavailable")
    assert "restore" in answer.json["detail"]


def test_another_users_file_is_unknown(api: Api) -> None:
    assert _request_original(api, _verified(api), user="eve") == (404, "not_found")


def test_an_import_without_a_filename_uses_the_last_part_of_its_key(api: Api) -> None:
    video_id = _verified(api)
    api.set_columns(video_id, origin="kubernetes", filename="")

    assert api.call("GET", f"/api/v1/videos/{video_id}/original").json["filename"] == "original.mp4"


def test_while_storage_is_unavailable_the_call_is_retryable(api: Api) -> None:
    video_id = _verified(api)
    api.storage.error = UnavailableError("no answer")

    assert _request_original(api, video_id) == (503, "temporarily_unavailable")
