"""GET /api/v1/videos: an owner's videos in pages."""

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.queries import Cursor
from domain.video import Phase, Published, Reason
from tests.support.api import CREATED_AT, Api
from tests.support.builders.videos import a_new_video
from webapi.http.paging import Paging
from webapi.http.problems import HttpProblemError

PUBLISHED = Published(1, 1, 3.0, (), has_poster=False)
# Of a place on Ann's list, as only this service should make it.
MICROSECONDS = 1_772_366_400_000_000


def _fill(api: Api, count: int, *, owner: str = "ann") -> list[str]:
    """Create videos a minute apart; return their ids, newest first."""
    made = []
    for number in range(count):
        video_id = f"{owner}{number:0>23}"
        api.commands.create(a_new_video(video_id, owner=owner), per_hour=1000)
        api.now += timedelta(minutes=1)
        made.append(video_id)
    return made[::-1]


def _list(api: Api, query: str = "", *, user: str = "ann") -> dict[str, Any]:
    answer = api.call("GET", "/api/v1/videos", query_string=query, user=user)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "private, no-cache"
    body: dict[str, Any] = answer.json
    return body


def _ids(body: dict[str, Any]) -> list[str]:
    return [video["id"] for video in body["videos"]]


def test_a_new_user_has_no_videos(api: Api) -> None:
    assert _list(api) == {"videos": [], "next_page_token": None}


def test_a_video_looks_in_a_list_as_it_does_alone(api: Api) -> None:
    video_id = api.create()

    assert _list(api)["videos"] == [api.call("GET", f"/api/v1/videos/{video_id}").json]


def test_pages_follow_each_other_to_the_end(api: Api) -> None:
    mine, _others = _fill(api, 45), _fill(api, 3, owner="bob")
    first = _list(api)
    second = _list(api, f"page_token={first['next_page_token']}")
    third = _list(api, f"page_token={second['next_page_token']}")

    assert [len(page["videos"]) for page in (first, second, third)] == [20, 20, 5]
    assert _ids(first) + _ids(second) + _ids(third) == mine
    assert third["next_page_token"] is None


def test_the_last_page_says_so(api: Api) -> None:
    _fill(api, 20)

    assert _list(api)["next_page_token"] is None


@pytest.mark.parametrize(
    ("page_size", "shown"),
    [
        pytest.param("1", 1, id="one"),
        pytest.param("100", 100, id="the-most"),
        pytest.param("101", 100, id="one-more-than-the-most"),
        pytest.param("9" * 300, 100, id="absurd"),
    ],
)
def test_a_page_holds_the_requested_number_up_to_a_hundred(api: Api, page_size: str, shown: int) -> None:
    _fill(api, 120)

    assert len(_list(api, f"page_size={page_size}")["videos"]) == shown


def test_the_page_size_may_change_from_page_to_page(api: Api) -> None:
    mine = _fill(api, 10)
    first = _list(api, "page_size=2")
    rest = _list(api, f"page_size=50&page_token={first['next_page_token']}")

    assert _ids(first) + _ids(rest) == mine


def test_videos_created_meanwhile_neither_repeat_nor_hide_any(api: Api) -> None:
    mine = _fill(api, 4)
    first = _list(api, "page_size=2")
    newer = api.create()
    second = _list(api, f"page_size=2&page_token={first['next_page_token']}")

    assert _ids(first) + _ids(second) == mine
    assert _ids(_list(api, "page_size=1")) == [newer]


def test_a_list_by_status_holds_the_videos_with_that_status(api: Api) -> None:
    ready, processing, waiting = _fill(api, 3)
    api.observe(ready, phase=Phase.READY, reason=Reason.PUBLISHED, published=PUBLISHED, is_playable=True)
    api.observe(processing, phase=Phase.PROCESSING, reason=Reason.TRANSCODING)

    for status, video_id in [("ready", ready), ("processing", processing), ("uploading", waiting)]:
        (shown,) = _list(api, f"status={status}")["videos"]
        assert (shown["id"], shown["status"]) == (video_id, status)
    assert _list(api, "status=pending")["videos"] == []


def test_playable_dead_letters_are_listed_as_playable(api: Api) -> None:
    playable, broken = _fill(api, 2)
    failed: dict[str, Any] = {"phase": Phase.ERRORED, "reason": Reason.FAILED}
    api.observe(broken, **failed)
    api.observe(playable, **failed, published=PUBLISHED, is_playable=True)
    shown = _list(api, "status=errored")["videos"]

    assert [(one["id"], one["status"], one["edition_status"], one["is_playable"]) for one in shown] == [
        (playable, "ready", "errored", True),
        (broken, "errored", "errored", False),
    ]
    assert all(one["error"]["code"] == "transcode_failed" for one in shown)
    assert _ids(_list(api, "status=ready")) == [playable]


def test_deleted_videos_are_listed_only_on_request(api: Api) -> None:
    deleted, kept = _fill(api, 2)
    api.commands.delete(deleted)

    assert _ids(_list(api)) == _ids(_list(api, "deleted=false")) == [kept]
    assert _ids(_list(api, "deleted=true")) == [deleted]
    assert _ids(_list(api, "deleted=true&status=uploading")) == [deleted]
    assert _ids(_list(api, "deleted=true&status=ready")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("status=broken", "status", id="no-such-status"),
        pytest.param("status=", "status", id="empty-status"),
        pytest.param("status=ready&status=errored", "status", id="two-statuses"),
        pytest.param("deleted=yes", "deleted", id="neither-true-nor-false"),
        pytest.param("page_size=0", "page_size", id="an-empty-page"),
        pytest.param("page_size=-1", "page_size", id="a-negative-page"),
        pytest.param("page_size=many", "page_size", id="size-in-words"),
        pytest.param("page_size=", "page_size", id="no-size"),
        pytest.param("page_size=1.5", "page_size", id="half-a-video"),
        pytest.param("page_token=x", "page_token", id="made-up-token"),
        pytest.param("page_token=" + "A" * 513, "page_token", id="long-token"),
        pytest.param("page_token=%00", "page_token", id="nul-as-token"),
        pytest.param("stauts=ready", "stauts", id="unknown-parameter"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(api: Api, query: str, field: str) -> None:
    answer = api.call("GET", "/api/v1/videos", query_string=query)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_request")
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param("", "status=uploading", id="a-filter-more"),
        pytest.param("status=uploading", "", id="a-filter-less"),
        pytest.param("status=uploading", "status=errored", id="another-status"),
        pytest.param("", "deleted=true", id="the-deleted-ones"),
    ],
)
def test_a_token_of_another_list_is_refused(api: Api, first: str, second: str) -> None:
    _fill(api, 3)
    token = _list(api, f"page_size=1&{first}".rstrip("&"))["next_page_token"]
    answer = api.call("GET", "/api/v1/videos", query_string=f"{second}&page_token={token}".lstrip("&"))

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "page_token")
    assert "another list" in answer.json["errors"][0]["detail"]


def test_a_token_of_another_owner_is_refused(api: Api) -> None:
    _fill(api, 3)
    _fill(api, 3, owner="eve")
    token = _list(api, "page_size=1")["next_page_token"]
    answer = api.call("GET", "/api/v1/videos", query_string=f"page_token={token}", user="eve")

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "page_token")


def test_an_empty_token_returns_the_first_page(api: Api) -> None:
    mine = _fill(api, 2)

    assert _ids(_list(api, "page_token=")) == mine


def test_a_token_is_url_safe_and_does_not_reveal_the_owner(api: Api) -> None:
    _fill(api, 3, owner="ann")
    token = _list(api, "page_size=1")["next_page_token"]

    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert b'"ann"' not in base64.urlsafe_b64decode(token + "==")


@given(at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds it
def test_a_token_restores_its_position_to_the_microsecond(at: datetime) -> None:
    place = Cursor(at, "an-import")
    paging = Paging("videos", "ann")

    assert paging.cursor(paging.token(place)) == place


_values = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
_json = st.recursive(_values, lambda inner: st.lists(inner, max_size=4)).map(lambda value: json.dumps(value).encode())


@given(content=st.binary(min_size=1, max_size=60) | _json)
def test_a_made_up_token_is_refused(content: bytes) -> None:
    with pytest.raises(HttpProblemError):
        Paging("videos", "ann").cursor(base64.urlsafe_b64encode(content).decode())


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([-1, "a"], id="before-all-videos"),
        pytest.param([10**30, "a"], id="after-all-time"),
        pytest.param([MICROSECONDS, "a\x00"], id="nul-in-the-id"),
        pytest.param([MICROSECONDS, "a" * 64], id="long-id"),
        pytest.param([1.5, "a"], id="half-a-microsecond"),
        pytest.param(["now", "a"], id="words"),
    ],
)
def test_a_token_with_a_valid_mark_and_an_impossible_position_is_refused(parts: list[Any]) -> None:
    paging = Paging("videos", "ann")
    token = paging.token(Cursor(CREATED_AT, "a"))
    assert token is not None
    mark = json.loads(base64.urlsafe_b64decode(token + "=="))[2]
    forged = base64.urlsafe_b64encode(json.dumps([*parts, mark]).encode()).decode()

    with pytest.raises(HttpProblemError):
        paging.cursor(forged)


def test_without_postgres_a_list_is_unavailable_rather_than_empty(api: Api) -> None:
    api.postgres.is_away = True
    answer = api.call("GET", "/api/v1/videos")

    assert (answer.status_code, answer.json["code"]) == (503, "temporarily_unavailable")
