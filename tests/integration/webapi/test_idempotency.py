"""`Idempotency-Key` on POST /api/v1/videos: a request that is repeated has no second effect."""

from dataclasses import replace
from typing import Any

import falcon.testing
import pytest

from database.profiles import Profiles
from domain.profiles import ProfileRendition, ProfileSpec, ordered
from domain.video import Phase
from tests.support.api import A_VIDEO, Api

VIDEOS = "/api/v1/videos"


def _post(api: Api, key: str, *, user: str = "ann", **changes: Any) -> falcon.testing.Result:
    return api.call("POST", VIDEOS, user=user, json={**A_VIDEO, **changes}, headers={"Idempotency-Key": key})


def test_a_repeated_request_gets_the_same_video_and_a_fresh_url(api: Api) -> None:
    first = _post(api, "k1")
    api.now = api.now.replace(hour=13)
    again = _post(api, "k1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json["video_id"] == first.json["video_id"]
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json["expires_at"] > first.json["expires_at"]
    assert len(api.video_ids()) == 1
    # The first request has left the hour by now, and the repetition took nothing.
    assert again.headers["RateLimit"].startswith('"uploads";r=10;t=3600, ')


def test_a_repeated_request_passes_the_limit_that_its_video_filled(api: Api) -> None:
    for number in range(10):
        assert _post(api, f"k{number}").status_code == 201

    assert _post(api, "k10").status_code == 429
    assert _post(api, "k0").status_code == 201


@pytest.mark.parametrize(
    ("first", "again"),
    [
        pytest.param("k1", '"k1"', id="bare-then-quoted"),
        pytest.param('"k1"', "k1", id="quoted-then-bare"),
        pytest.param('"a\\\\b"', '"a\\\\b"', id="escaped"),
        pytest.param("x" * 255, f'"{"x" * 255}"', id="longest"),
        pytest.param("!", '"!"', id="shortest"),
        pytest.param("a;b,c={}~'", '"a;b,c={}~\'"', id="any-visible-character"),
    ],
)
def test_a_key_may_be_quoted_or_bare(api: Api, first: str, again: str) -> None:
    assert _post(api, first).json["video_id"] == _post(api, again).json["video_id"]


@pytest.mark.parametrize("body", [{"profile": "small"}, {"size_bytes": 9_000}, {"visibility": "private"}], ids=str)
def test_a_repeated_request_gets_its_video_although_its_choices_are_gone(api: Api, body: dict[str, Any]) -> None:
    Profiles(api.postgres).replace([ordered("small", ProfileSpec((ProfileRendition(360, 700),)))])
    first = _post(api, "k1", **body)
    Profiles(api.postgres).replace([])
    policy = replace(api.deps.policy, max_file_bytes=8_000, has_private_playback=False)
    again = api.rebuilt(policy=policy).simulate_post(
        VIDEOS, json={**A_VIDEO, **body}, headers={"Authorization": api.bearer("ann"), "Idempotency-Key": "k1"}
    )

    assert (first.status_code, again.status_code) == (201, 201), again.text
    assert again.json["video_id"] == first.json["video_id"]
    other = {"Authorization": api.bearer("ann"), "Idempotency-Key": "k2"}
    refused = api.rebuilt(policy=policy).simulate_post(VIDEOS, json={**A_VIDEO, **body}, headers=other)
    assert refused.status_code == 422


def test_the_same_request_may_be_written_in_another_way(api: Api) -> None:
    first = _post(api, "k1", metadata={"a": "1", "b": "2"})
    again = _post(api, "k1", metadata={"b": "2", "a": "1"}, size_bytes=None)

    assert again.json["video_id"] == first.json["video_id"]


@pytest.mark.parametrize(
    "changes", [{"title": "Dogs"}, {"size_bytes": 9}, {"metadata": {"a": "1"}}, {"filename": "Cats.mp4"}]
)
def test_another_request_under_the_same_key_is_refused(api: Api, changes: dict[str, Any]) -> None:
    _post(api, "k1")
    answer = _post(api, "k1", **changes)

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert len(api.video_ids()) == 1


def test_keys_of_different_users_are_independent(api: Api) -> None:
    assert _post(api, "k1").json["video_id"] != _post(api, "k1", user="bob", title="Dogs").json["video_id"]


def test_without_a_key_two_requests_make_two_videos(api: Api) -> None:
    assert api.create() != api.create()
    assert api.sql("SELECT * FROM idempotency_keys") == []


def test_while_the_first_request_runs_the_second_gets_409_with_retry_after(api: Api) -> None:
    with api.hold_key("k1"):
        answer = _post(api, "k1")

    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (409, "idempotency_key_in_use", True)
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("end", ["confirmed", "deleted", "processed"])
def test_a_repeated_request_gets_no_url_once_the_file_has_arrived(api: Api, end: str) -> None:
    video_id = _post(api, "k1").json["video_id"]
    if end == "confirmed":
        api.commands.confirm(video_id)
    elif end == "deleted":
        api.commands.delete(video_id)
    else:
        api.observe(video_id, phase=Phase.PROCESSING)
    answer = _post(api, "k1")

    assert (answer.status_code, answer.json["code"]) == (409, "upload_closed")
    assert answer.headers["Location"] == f"{VIDEOS}/{video_id}"
    assert "upload_url" not in answer.text
    assert len(api.video_ids()) == 1


def test_a_refused_body_leaves_the_key_free(api: Api) -> None:
    assert _post(api, "k1", title="").status_code == 422

    assert _post(api, "k1").status_code == 201
