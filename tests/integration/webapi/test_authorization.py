"""Every call checks the video's owner in the same way."""

import pytest

from domain.video import Phase
from tests.support.api import Api

CHANGES = [
    pytest.param("POST", "/upload_url", id="upload-url"),
    pytest.param("POST", "/upload_complete", id="confirm"),
    pytest.param("POST", "/retry", id="retry"),
    pytest.param("DELETE", "", id="delete"),
    pytest.param("POST", "/restore", id="restore"),
]
LOOKS = [pytest.param("GET", "", id="get"), pytest.param("GET", "/events", id="events")]


@pytest.mark.parametrize("phase", [Phase.UPLOADING, Phase.ERRORED])
@pytest.mark.parametrize(("method", "suffix"), CHANGES + LOOKS)
def test_another_users_video_looks_like_an_unknown_one(api: Api, method: str, suffix: str, phase: Phase) -> None:
    video_id = api.create()
    api.observe(video_id, phase=phase)
    row = api.row(video_id)
    foreign = api.call(method, f"/api/v1/videos/{video_id}{suffix}", user="eve", headers={"X-Request-Id": "1"})
    unknown_id = video_id[::-1]
    unknown = api.call(method, f"/api/v1/videos/{unknown_id}{suffix}", user="eve", headers={"X-Request-Id": "1"})

    assert foreign.status_code == 404
    assert foreign.text == unknown.text.replace(unknown_id, video_id)
    assert api.row(video_id) == row


@pytest.mark.parametrize("video_id", ["NotAnId", "a" * 64, "-a", "a-", "a%00", "a.b", "a%0A"])
@pytest.mark.parametrize(("method", "suffix"), CHANGES + LOOKS)
def test_a_malformed_id_is_not_looked_up(api: Api, method: str, suffix: str, video_id: str) -> None:
    api.postgres.is_away = True

    assert api.call(method, f"/api/v1/videos/{video_id}{suffix}").status_code == 404


@pytest.mark.parametrize(("method", "suffix"), CHANGES)
@pytest.mark.parametrize("deleted", [False, True])
def test_no_call_changes_the_desired_state_of_an_import(api: Api, method: str, suffix: str, *, deleted: bool) -> None:
    _import(api, deleted=deleted)
    row = api.row("holiday-2026")
    answer = api.call(method, f"/api/v1/videos/holiday-2026{suffix}")

    assert (answer.status_code, answer.json["code"]) == (409, "managed_by_kubernetes")
    assert api.row("holiday-2026") == row
    assert not api.offers.commands


@pytest.mark.parametrize(("method", "suffix"), LOOKS)
def test_its_owner_sees_an_import_by_its_name(api: Api, method: str, suffix: str) -> None:
    _import(api)

    assert api.call(method, f"/api/v1/videos/holiday-2026{suffix}").status_code == 200


def _import(api: Api, *, deleted: bool = False) -> None:
    """Record an import of Ann's, as the operator does."""
    video_id = api.create()
    api.observe(video_id, phase=Phase.ERRORED)
    api.sql("DELETE FROM video_events RETURNING video_id")
    deleted_at = api.now if deleted else None
    api.set_columns(video_id, video_id="holiday-2026", origin="kubernetes", deleted=deleted, deleted_at=deleted_at)
    api.offers.commands.clear()
