"""Whose video a call is about, and who may change it: the same for every call."""

from dataclasses import replace

import pytest

from domain.video import Origin, Phase
from tests.support.contracts.client_rows_contract import in_phase
from tests.unit.webapi.conftest import Api

CHANGES = [
    pytest.param("POST", "/upload_url", id="upload-url"),
    pytest.param("POST", "/upload_complete", id="confirm"),
    pytest.param("POST", "/retry", id="retry"),
    pytest.param("DELETE", "", id="delete"),
    pytest.param("POST", "/restore", id="restore"),
]
LOOKS = [pytest.param("GET", "", id="get"), pytest.param("GET", "/events", id="events")]


@pytest.mark.parametrize(("method", "suffix"), CHANGES + LOOKS)
def test_another_users_video_looks_like_one_that_never_was(api: Api, method: str, suffix: str) -> None:
    video_id = api.create()
    api.commands.observe(video_id, **in_phase(Phase.ERRORED))
    row = api.commands.rows[video_id]
    foreign = api.call(method, f"/api/v1/videos/{video_id}{suffix}", user="eve", headers={"X-Request-Id": "1"})
    unknown_id = video_id[::-1]
    unknown = api.call(method, f"/api/v1/videos/{unknown_id}{suffix}", user="eve", headers={"X-Request-Id": "1"})

    assert foreign.status_code == 404
    assert foreign.text == unknown.text.replace(unknown_id, video_id)
    assert api.commands.rows[video_id] == row


@pytest.mark.parametrize("video_id", ["NotAnId", "a" * 64, "-a", "a-", "a%00", "a.b", "a%0A"])
@pytest.mark.parametrize(("method", "suffix"), CHANGES + LOOKS)
def test_what_cannot_be_an_id_is_not_looked_for(api: Api, method: str, suffix: str, video_id: str) -> None:
    api.postgres.is_away = True

    assert api.call(method, f"/api/v1/videos/{video_id}{suffix}").status_code == 404


@pytest.mark.parametrize(("method", "suffix"), CHANGES)
@pytest.mark.parametrize("deleted", [False, True])
def test_the_wish_of_an_import_is_changed_by_no_call(api: Api, method: str, suffix: str, *, deleted: bool) -> None:
    _import(api, deleted=deleted)
    row = api.commands.rows["holiday-2026"]
    answer = api.call(method, f"/api/v1/videos/holiday-2026{suffix}")

    assert (answer.status_code, answer.json["code"]) == (409, "managed_by_kubernetes")
    assert api.commands.rows["holiday-2026"] == row
    assert not api.offers.commands


@pytest.mark.parametrize(("method", "suffix"), LOOKS)
def test_its_owner_sees_an_import_by_its_name(api: Api, method: str, suffix: str) -> None:
    _import(api)

    assert api.call(method, f"/api/v1/videos/holiday-2026{suffix}").status_code == 200


def _import(api: Api, *, deleted: bool = False) -> None:
    """Put an import of Ann's on record, as the operator does."""
    video_id = api.create()
    api.commands.observe(video_id, **in_phase(Phase.ERRORED))
    row = api.commands.rows.pop(video_id)
    desired = replace(row.desired, video_id="holiday-2026", origin=Origin.KUBERNETES, deleted=deleted)
    api.commands.rows["holiday-2026"] = replace(row, desired=desired)
    api.offers.commands.clear()
