"""/api/v1/admin: dead letters of all owners, for tokens with the scope."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import falcon.testing
import pytest

from domain.failures import Failure, FailureCode
from domain.video import Phase, Reason
from tests.support.api import Api, token

CALLS = [("GET", "/api/v1/admin/videos?status=errored"), ("POST", "/api/v1/admin/videos/{id}/retry")]


def _as_admin(api: Api, method: str, path: str) -> falcon.testing.Result:
    return api.client.simulate_request(method, path, headers={"Authorization": f"Bearer {token(scope='admin')}"})


def _dead_letters(api: Api, query: str = "") -> dict[str, Any]:
    answer = _as_admin(api, "GET", f"/api/v1/admin/videos?status=errored{query}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json
    return body


def _fail(api: Api, user: str, **changes: Any) -> str:
    video_id = api.create(user=user)
    api.now += timedelta(minutes=1)
    failure = Failure(FailureCode.TRANSCODE_FAILED, "the job failed", 3, provider_answer="codec xyz is unknown")
    errored = {"phase": Phase.ERRORED, "reason": Reason.FAILED, "failure": failure, "phase_since": api.now}
    api.observe(video_id, **errored, **changes)
    return video_id


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("scope", ["", "upload", "administrator", "ADMIN"])
def test_without_the_scope_nothing_is_shown_or_changed(api: Api, method: str, path: str, scope: str) -> None:
    video_id = _fail(api, "bob")
    row = api.row(video_id)
    answer = api.client.simulate_request(
        method, path.format(id=video_id), headers={"Authorization": f"Bearer {token(sub='bob', scope=scope)}"}
    )

    assert (answer.status_code, answer.json["code"]) == (403, "insufficient_scope")
    assert answer.headers["WWW-Authenticate"].endswith('error="insufficient_scope", scope="admin"')
    assert api.row(video_id) == row


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_without_a_token_the_answer_does_not_mention_scopes(api: Api, method: str, path: str) -> None:
    answer = api.client.simulate_request(method, path.format(id="abcdefghijklmnopqrstuvwxy2"))

    assert (answer.status_code, answer.json["code"]) == (401, "not_authenticated")


def test_dead_letters_of_all_owners_show_the_providers_message(api: Api) -> None:
    older, newer = _fail(api, "ann"), _fail(api, "bob", is_playable=True)
    api.create(user="bob")
    videos = _dead_letters(api)["videos"]

    assert [(video["id"], video["owner"], video["origin"]) for video in videos] == [
        (newer, "bob", "api"),
        (older, "ann", "api"),
    ]
    assert all(video["provider_answer"] == "codec xyz is unknown" for video in videos)
    seen_by_owner = api.call("GET", f"/api/v1/videos/{older}").json
    assert {name: videos[1][name] for name in seen_by_owner} == seen_by_owner
    assert "codec xyz" not in str(seen_by_owner)


def test_a_deleted_video_is_not_a_dead_letter(api: Api) -> None:
    api.commands.delete(_fail(api, "ann"))

    assert _dead_letters(api) == {"videos": [], "next_page_token": None}


def test_dead_letters_are_paged(api: Api) -> None:
    made = [_fail(api, f"user-{number}") for number in range(5)]
    first = _dead_letters(api, "&page_size=3")
    second = _dead_letters(api, f"&page_size=3&page_token={first['next_page_token']}")

    assert [video["id"] for video in first["videos"] + second["videos"]] == made[::-1]
    assert second["next_page_token"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("status=deleted", "status", id="no-status"),
        pytest.param("owner=", "owner", id="no-owner"),
        pytest.param("profile=HLS", "profile", id="no-name-of-a-profile"),
        pytest.param("created_after=2026-03-01", "created_after", id="a-day-without-a-time"),
        pytest.param("created_before=1772366400", "created_before", id="seconds"),
        pytest.param(
            "created_after=2026-03-02T00:00:00Z&created_before=2026-03-01T00:00:00Z", "created_before", id="backwards"
        ),
        pytest.param("title=", "title", id="an-empty-text"),
        pytest.param("title=a%00b", "title", id="a-text-that-postgres-refuses"),
        pytest.param(f"title={'a' * 101}", "title", id="a-long-text"),
        pytest.param("page_size=0", "page_size", id="an-empty-page"),
        pytest.param("page_token=x", "page_token", id="made-up-token"),
        pytest.param("limit=5", "limit", id="unknown-parameter"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(api: Api, query: str, field: str) -> None:
    answer = _as_admin(api, "GET", f"/api/v1/admin/videos?{query}")

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == [field]


def _listed(api: Api, query: str = "") -> list[str]:
    answer = _as_admin(api, "GET", f"/api/v1/admin/videos?{query}")
    assert answer.status_code == 200, answer.text
    return [video["id"] for video in answer.json["videos"]]


def test_without_a_filter_the_videos_of_all_owners_are_listed_newest_first(api: Api) -> None:
    older = api.create(user="ann")
    api.now += timedelta(minutes=1)
    newer, deleted = _fail(api, "bob"), api.create(user="ann")
    api.commands.delete(deleted)

    assert _listed(api) == [newer, older]
    assert _listed(api, "deleted=true") == [deleted]


def test_each_filter_leaves_out_what_it_does_not_want(api: Api) -> None:
    cats = api.create(user="ann", title="Cats & Dogs 100%")
    api.now += timedelta(hours=1)
    birds = _fail(api, "bob")
    api.set_columns(birds, title="Birds", profile="small", created_at=api.now)
    at = quote(f"{api.now:%Y-%m-%dT%H:%M:%S}+00:00")

    assert _listed(api, "owner=bob") == _listed(api, "profile=small") == _listed(api, "status=errored") == [birds]
    assert _listed(api, "status=uploading") == _listed(api, "owner=ann&status=uploading") == [cats]
    assert _listed(api, f"created_after={at}") == [birds]
    assert _listed(api, f"created_before={at}") == [cats]
    assert _listed(api, "title=dogs") == _listed(api, "title=%26+Dogs+100%25") == [cats]
    assert _listed(api, "title=%25") == [cats], "no sign stands for anything but itself"
    assert _listed(api, "title=_") == _listed(api, "owner=bob&title=dogs") == _listed(api, "owner=Ann") == []
    assert _listed(api, f"owner=bob&status=errored&profile=small&title=IRD&created_after={at}") == [birds]


def test_a_page_that_ends_before_it_is_full_says_where_to_go_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("database.catalogue.WALKED_MAX", 4)
    made = []
    for number in range(6):
        made.append(api.create(user=f"user-{number}", title="Dogs" if number == 0 else "Cats"))
        api.now += timedelta(minutes=1)
    first = _as_admin(api, "GET", "/api/v1/admin/videos?title=dogs").json
    second = _as_admin(api, "GET", f"/api/v1/admin/videos?title=dogs&page_token={first['next_page_token']}").json

    assert first["videos"] == []
    assert ([video["id"] for video in second["videos"]], second["next_page_token"]) == ([made[0]], None)


def test_a_page_token_goes_with_its_filters(api: Api) -> None:
    for _ in range(2):
        _fail(api, "bob")
    token_of_bob = _as_admin(api, "GET", "/api/v1/admin/videos?owner=bob&page_size=1").json["next_page_token"]

    assert token_of_bob
    for query in ("owner=bobby", "owner=bob&title=a", "owner=bob&created_after=2026-01-01T00:00:00Z", ""):
        answer = _as_admin(api, "GET", f"/api/v1/admin/videos?{query}&page_token={token_of_bob}")
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "page_token")


def test_a_page_token_is_valid_however_the_same_time_is_written(api: Api) -> None:
    made = [_fail(api, "bob") for _ in range(2)]
    first = _as_admin(api, "GET", "/api/v1/admin/videos?page_size=1&created_after=2026-01-01T00:00:00Z").json
    rest = f"created_after=2026-01-01T17:00:00%2B17:00&page_token={first['next_page_token']}"

    assert _listed(api, rest) == made[:1]


def test_a_page_token_of_an_owners_list_is_refused(api: Api) -> None:
    for _ in range(2):
        _fail(api, "ann")
    own = api.call("GET", "/api/v1/videos", query_string="status=errored&page_size=1").json["next_page_token"]
    answer = _as_admin(api, "GET", f"/api/v1/admin/videos?status=errored&page_token={own}")

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "page_token")


def test_an_administrator_can_retry_any_owners_video(api: Api) -> None:
    video_id = _fail(api, "bob")
    answer = _as_admin(api, "POST", f"/api/v1/admin/videos/{video_id}/retry")

    assert (answer.status_code, answer.json["owner"]) == (202, "bob")
    assert answer.json["waiting_for"] == "the operator to start the requested work"
    assert api.row(video_id).desired.retries == 1
    assert api.offers.commands[-1] == api.row(video_id).desired


def test_an_administrator_cannot_retry_an_unfailed_or_unknown_video_or_an_import(api: Api) -> None:
    waiting, imported = api.create(user="bob"), _fail(api, "bob")
    api.set_columns(imported, origin="kubernetes")

    for video_id, status, code in [
        (waiting, 409, "not_retryable"),
        (imported, 409, "managed_by_kubernetes"),
        ("abcdefghijklmnopqrstuvwxy2", 404, "not_found"),
        ("NotAnId", 404, "not_found"),
    ]:
        answer = _as_admin(api, "POST", f"/api/v1/admin/videos/{video_id}/retry")
        assert (answer.status_code, answer.json["code"]) == (status, code)
