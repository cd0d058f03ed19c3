"""An owner's calls after the upload: retry, delete, restore."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from domain.schedule import Timing, restore_window
from domain.video import Phase, Published, Reason, is_retryable
from tests.support.api import Api

PUBLISHED = Published(1, 1, 3.0, (), has_poster=False)


def _failed(api: Api, **changes: Any) -> str:
    video_id = api.create()
    api.observe(video_id, phase=Phase.ERRORED, reason=Reason.FAILED, **changes)
    api.offers.commands.clear()
    return video_id


def _ready(api: Api) -> str:
    video_id = api.create()
    api.observe(video_id, phase=Phase.READY, reason=Reason.PUBLISHED, published=PUBLISHED, is_playable=True)
    api.offers.commands.clear()
    return video_id


def test_a_failed_video_is_retried_and_says_what_it_waits_for(api: Api) -> None:
    video_id = _failed(api)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/retry")

    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "2")
    assert answer.json == api.call("GET", f"/api/v1/videos/{video_id}").json
    assert (answer.json["status"], answer.json["waiting_for"]) == (
        "errored",
        "the operator to start the requested work",
    )
    assert api.row(video_id).desired.retries == 1
    assert api.offers.commands == [api.row(video_id).desired]


def test_a_repeated_retry_counts_once(api: Api) -> None:
    video_id = _failed(api)
    first = api.call("POST", f"/api/v1/videos/{video_id}/retry")
    row = api.row(video_id)
    second = api.call("POST", f"/api/v1/videos/{video_id}/retry")

    assert (second.status_code, second.json) == (first.status_code, first.json)
    assert api.row(video_id) == row


def test_a_video_that_fails_again_can_be_retried_again(api: Api) -> None:
    video_id = _failed(api)
    for number in (1, 2, 3):
        assert api.call("POST", f"/api/v1/videos/{video_id}/retry").status_code == 202
        api.observe(video_id, phase=Phase.ERRORED, retries=number)

    assert api.row(video_id).desired.retries == 3


def test_a_retry_is_accepted_only_in_phases_that_allow_one(api: Api) -> None:
    video_id = api.create()
    for phase, reason in product(Phase, Reason):
        api.observe(video_id, phase=phase, reason=reason, retries=api.row(video_id).desired.retries)
        row = api.row(video_id)
        answer = api.call("POST", f"/api/v1/videos/{video_id}/retry")

        if is_retryable(row.observed):
            assert answer.status_code == 202, (phase, reason)
        else:
            assert (answer.status_code, answer.json["code"]) == (409, "not_retryable"), (phase, reason)
            assert api.row(video_id) == row


def test_a_playable_video_whose_newest_edition_failed_is_retried_and_stays_playable(api: Api) -> None:
    video_id = _failed(api, published=PUBLISHED, is_playable=True)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/retry")

    assert (answer.status_code, answer.json["status"], answer.json["is_playable"]) == (202, "ready", True)


def test_a_deleted_video_is_restored_before_it_is_retried(api: Api) -> None:
    video_id = _failed(api)
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    answer = api.call("POST", f"/api/v1/videos/{video_id}/retry")

    assert (answer.status_code, answer.json["code"]) == (409, "not_retryable")
    assert "restore" in answer.json["detail"]
    assert api.row(video_id).desired.retries == 0


def test_a_retry_cancelled_by_a_deletion_does_not_answer_the_next_one(api: Api) -> None:
    video_id = _failed(api)
    api.call("POST", f"/api/v1/videos/{video_id}/retry")
    api.call("DELETE", f"/api/v1/videos/{video_id}")

    assert api.call("POST", f"/api/v1/videos/{video_id}/retry").status_code == 409


def test_a_deleted_video_is_shown_with_what_can_be_done(api: Api) -> None:
    video_id = _ready(api)
    answer = api.call("DELETE", f"/api/v1/videos/{video_id}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert api.offers.commands == [api.row(video_id).desired]
    seen = api.call("GET", f"/api/v1/videos/{video_id}")
    video = seen.json
    assert (seen.status_code, video["deleted_at"], video["reason"]) == (200, "2026-03-01T12:00:00Z", "Deleted")
    assert (video["playback_url"], video["thumbnail_url"], video["renditions"]) == (None, None, [])
    assert (video["is_playable"], video["next_check_at"], video["deadline_at"]) == (False, None, None)
    assert (video["waiting_for"], "restore" in video["what_to_do"]) == (None, True)
    assert datetime.fromisoformat(video["restorable_until"]) == api.now + restore_window(Timing())
    assert "Retry-After" not in seen.headers


def test_deleting_again_changes_nothing(api: Api) -> None:
    video_id = _ready(api)
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    row = api.row(video_id)
    api.now += timedelta(hours=1)

    assert api.call("DELETE", f"/api/v1/videos/{video_id}").status_code == 204
    assert api.row(video_id) == row


@pytest.mark.parametrize("phase", list(Phase))
def test_a_video_can_be_deleted_in_every_phase(api: Api, phase: Phase) -> None:
    video_id = api.create()
    api.observe(video_id, phase=phase)

    assert api.call("DELETE", f"/api/v1/videos/{video_id}").status_code == 204
    assert api.call("GET", f"/api/v1/videos/{video_id}").json["status"] == phase.value


def test_a_restored_video_waits_until_its_stream_is_back(api: Api) -> None:
    video_id = _ready(api)
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    api.observe(video_id, is_playable=False)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/restore")

    assert (answer.status_code, answer.json["deleted_at"], answer.json["restorable_until"]) == (202, None, None)
    assert (answer.json["is_playable"], answer.json["waiting_for"]) == (False, "the stream to be restored")
    assert api.offers.commands[-1] == api.row(video_id).desired
    assert api.call("GET", f"/api/v1/videos/{video_id}").headers["Retry-After"] == "2"

    api.observe(video_id, is_playable=True)
    assert api.call("GET", f"/api/v1/videos/{video_id}").json["playback_url"] is not None


def test_restoring_again_shows_the_video_and_changes_nothing(api: Api) -> None:
    video_id = _ready(api)
    row = api.row(video_id)
    answer = api.call("POST", f"/api/v1/videos/{video_id}/restore")

    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert api.row(video_id) == row
    assert not api.offers.commands


def test_a_video_cannot_be_restored_after_its_grace_and_is_unknown_after_its_purge(api: Api) -> None:
    video_id = _ready(api)
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    api.now += restore_window(Timing())
    answer = api.call("POST", f"/api/v1/videos/{video_id}/restore")
    assert (answer.status_code, answer.json["code"]) == (409, "not_restorable")
    assert api.row(video_id).desired.deleted

    api.purge(video_id)
    for method, suffix in [("POST", "/restore"), ("GET", ""), ("DELETE", "")]:
        assert api.call(method, f"/api/v1/videos/{video_id}{suffix}").status_code == 404


@pytest.mark.parametrize(
    ("method", "suffix"), [("DELETE", ""), ("POST", "/restore"), ("POST", "/retry"), ("POST", "/upload_complete")]
)
def test_a_purge_between_two_statements_reads_as_not_found(api: Api, method: str, suffix: str) -> None:
    video_id = _failed(api)
    if suffix == "/restore":
        api.commands.delete(video_id)
    if suffix == "/upload_complete":
        api.observe(video_id, phase=Phase.UPLOADING)
        api.store(video_id)
    row = api.purge(video_id)

    class SeenBefore:
        def get(self, _video_id: str) -> object:
            return row

    client = api.rebuilt(queries=SeenBefore())
    answer = client.simulate_request(
        method, f"/api/v1/videos/{video_id}{suffix}", headers={"Authorization": api.bearer()}
    )
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
