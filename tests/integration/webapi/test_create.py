"""POST /api/v1/videos: creating an upload."""

import json
from typing import Any

import pytest

from database.profiles import Profiles
from domain.profiles import ProfileRendition, ProfileSpec, ordered
from tests.support.api import A_VIDEO, MAX_FILE_BYTES, Api, token


def test_the_answer_says_where_and_how_to_send_the_file(api: Api) -> None:
    answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "size_bytes": 9000})

    video_id = answer.json["video_id"]
    key = f"uploads/{video_id}/original.mp4"
    assert answer.status_code == 201
    assert answer.json == {
        "video_id": video_id,
        "region": "tor1",
        "upload_url": f"https://raw.storage.test/{key}?length=9000&expires=900",
        "storage_key": key,
        "method": "PUT",
        "headers": {"Content-Type": "video/mp4"},
        "expires_at": "2026-03-01T12:15:00Z",
        "status": "uploading",
        "upload": {"mode": "single"},
    }
    assert answer.headers["Location"] == f"/api/v1/videos/{video_id}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(video_id) == 26


def test_the_response_has_the_headers_that_openapi_describes(api: Api) -> None:
    response = api.call("POST", "/api/v1/videos", json=A_VIDEO)
    document = api.client.simulate_get("/openapi.json").json
    described = document["paths"]["/api/v1/videos"]["post"]["responses"]["201"]["headers"]

    assert [name for name in described if name not in response.headers] == []


def test_the_row_holds_the_request_and_its_owner(api: Api) -> None:
    video_id = api.create(user="bob", size_bytes=9000)

    desired = api.row(video_id).desired
    assert (desired.owner, desired.title, desired.filename, desired.content_type) == (
        "bob",
        "Cats",
        "cats.mp4",
        "video/mp4",
    )
    assert (desired.declared_bytes, desired.region) == (9000, "tor1")


def test_without_a_declared_size_any_size_may_be_sent(api: Api) -> None:
    answer = api.call("POST", "/api/v1/videos", json=A_VIDEO)

    assert "length=None" in answer.json["upload_url"]


def test_the_committed_desired_state_is_published_to_kubernetes(api: Api) -> None:
    video_id = api.create()

    assert api.offers.commands == [api.row(video_id).desired]


def test_two_requests_make_two_videos(api: Api) -> None:
    assert api.create() != api.create()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"title": ""}, "title", id="empty-title"),
        pytest.param({"title": " \t"}, "title", id="tab-in-title"),
        pytest.param({"title": "   "}, "title", id="blank-title"),
        pytest.param({"title": "x" * 201}, "title", id="long-title"),
        pytest.param({"title": "two\nlines"}, "title", id="line-break-in-title"),
        pytest.param({"title": "nul\x00"}, "title", id="nul-in-title"),
        pytest.param({"title": "a\u2028b"}, "title", id="line-separator-in-title"),
        pytest.param({"title": 7}, "title", id="number-as-title"),
        pytest.param({"title": None}, "title", id="null-title"),
        pytest.param({"filename": ""}, "filename", id="empty-filename"),
        pytest.param({"filename": "x" * 256}, "filename", id="long-filename"),
        pytest.param({"filename": "a\x1b[31m.mp4"}, "filename", id="escape-in-filename"),
        pytest.param({"content_type": "text/html"}, "content_type", id="not-a-video-type"),
        pytest.param({"content_type": "video/"}, "content_type", id="half-a-type"),
        pytest.param({"content_type": "video/mp4\r\nx: y"}, "content_type", id="header-in-type"),
        pytest.param({"content_type": "video/" + "x" * 101}, "content_type", id="long-type"),
        pytest.param({"size_bytes": 0}, "size_bytes", id="no-bytes"),
        pytest.param({"size_bytes": -1}, "size_bytes", id="negative-size"),
        pytest.param({"size_bytes": "9"}, "size_bytes", id="size-as-text"),
        pytest.param({"size_bytes": 9.5}, "size_bytes", id="half-a-byte"),
        pytest.param({"size_bytes": True}, "size_bytes", id="true-as-size"),
        pytest.param({"titel": "Cats"}, "titel", id="unknown-field"),
    ],
)
def test_a_bad_field_is_refused_by_name(api: Api, changes: dict[str, object], field: str) -> None:
    answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, **changes})

    assert answer.status_code == 422
    assert answer.json["code"] == "invalid_request"
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert not api.video_ids()
    assert not api.offers.commands


@pytest.mark.parametrize("field", ["title", "filename", "content_type"])
def test_a_missing_field_is_named(api: Api, field: str) -> None:
    answer = api.call("POST", "/api/v1/videos", json={name: A_VIDEO[name] for name in A_VIDEO if name != field})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"title": "x" * 200, "filename": "y" * 255}, id="longest-texts"),
        pytest.param({"title": "日本語 naïve \U0001f431"}, id="any-script"),
        pytest.param({"filename": "no extension"}, id="no-extension"),
        pytest.param({"filename": "\U0001f431" * 255}, id="emoji"),
        pytest.param({"filename": "\U0001f468\u200d\U0001f469\u200d\U0001f467.mp4"}, id="joined-emoji"),
        pytest.param({"filename": "\u05e9\u05dc\u05d5\u05dd\u200f.mp4"}, id="from-right-to-left"),
        pytest.param({"filename": "..cats..mp4"}, id="dots-around-a-name"),
        pytest.param({"filename": ".mp4"}, id="hidden-file"),
        pytest.param({"filename": "50% off; it's <b>&amp;\"$(cats)`.mp4"}, id="characters-of-other-languages"),
        pytest.param({"title": "a/b\\c: ../d"}, id="slashes-in-a-title"),
        pytest.param({"content_type": "application/octet-stream"}, id="unknown-type"),
        pytest.param({"content_type": "video/vnd.dlna.mpeg-tts"}, id="vendor-type"),
        pytest.param({"size_bytes": None}, id="size-unknown"),
        pytest.param({"size_bytes": 1}, id="one-byte"),
        pytest.param({"size_bytes": MAX_FILE_BYTES}, id="largest-file"),
    ],
)
def test_values_within_the_bounds_are_accepted(api: Api, changes: dict[str, Any]) -> None:
    api.create(**changes)


@pytest.mark.parametrize("size_bytes", [MAX_FILE_BYTES + 1, 10**30])
def test_an_unacceptable_file_is_refused_before_a_byte_is_sent(api: Api, size_bytes: int) -> None:
    answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "size_bytes": size_bytes})

    assert (answer.status_code, answer.json["code"]) == (422, "file_too_large")
    assert not api.video_ids()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(b"", 400, "invalid_json", id="empty"),
        pytest.param(b"{", 400, "invalid_json", id="cut-off"),
        pytest.param(b"\xff\xfe", 400, "invalid_json", id="not-utf-8"),
        pytest.param(b'{"title": "\\ud800"}', 400, "invalid_json", id="half-a-character"),
        pytest.param(b"[" * 50_000, 400, "invalid_json", id="deep"),
        pytest.param(b"[]", 422, "invalid_request", id="a-list"),
        pytest.param(b"null", 422, "invalid_request", id="null"),
        pytest.param(b'{"title": "' + b"x" * 70_000 + b'"}', 413, "body_too_large", id="large"),
    ],
)
def test_a_body_that_is_not_a_request_is_refused(api: Api, body: bytes, status: int, code: str) -> None:
    answer = api.call("POST", "/api/v1/videos", body=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_body_without_a_content_length_is_bounded_too(api: Api) -> None:
    body = json.dumps(A_VIDEO).encode() + b" " * 70_000
    answer = api.call(
        "POST",
        "/api/v1/videos",
        body=body,
        headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked", "Content-Length": ""},
    )

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


def test_a_body_declared_too_large_is_refused_unread(api: Api) -> None:
    answer = api.call(
        "POST",
        "/api/v1/videos",
        body=json.dumps(A_VIDEO),
        headers={"Content-Type": "application/json", "Content-Length": "70000"},
    )

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_only_json_is_read(api: Api, content_type: str) -> None:
    answer = api.call("POST", "/api/v1/videos", body=json.dumps(A_VIDEO), headers={"Content-Type": content_type})

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_any_spelling_of_the_json_content_type_is_accepted(api: Api, content_type: str) -> None:
    answer = api.call("POST", "/api/v1/videos", body=json.dumps(A_VIDEO), headers={"Content-Type": content_type})

    assert answer.status_code == 201


def test_a_body_with_many_mistakes_names_some_of_them(api: Api) -> None:
    answer = api.call("POST", "/api/v1/videos", json={f"field{number}": 1 for number in range(1000)})

    assert answer.status_code == 422
    assert len(answer.json["errors"]) == 20


def test_the_eleventh_upload_of_an_hour_is_refused(api: Api) -> None:
    for _ in range(10):
        api.create()
    answer = api.call("POST", "/api/v1/videos", json=A_VIDEO)

    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (429, "upload_limit_reached", True)
    assert answer.headers["Retry-After"] == "3600"
    assert len(api.video_ids()) == 10
    assert len(api.offers.commands) == 10
    api.create(user="bob")


@pytest.mark.parametrize("per_hour", [0, 3, 100_000])
def test_a_token_can_carry_its_own_limit(api: Api, per_hour: int) -> None:
    authorization = {"Authorization": f"Bearer {token(uploads_per_hour=per_hour)}"}
    response = api.client.simulate_post("/api/v1/videos", json=A_VIDEO, headers=authorization)

    assert response.status_code == (201 if per_hour else 429)
    assert response.headers["RateLimit-Policy"].startswith(f'"uploads";q={per_hour};w=3600, ')


def test_without_postgres_no_video_is_created(api: Api) -> None:
    api.postgres.is_away = True
    answer = api.call("POST", "/api/v1/videos", json=A_VIDEO)

    assert (answer.status_code, answer.json["code"], answer.json["retryable"]) == (503, "temporarily_unavailable", True)
    assert int(answer.headers["Retry-After"]) >= 1
    assert "db.internal" not in answer.text
    assert not api.offers.commands


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"album": "Cats", "empty": ""}, id="texts"),
        pytest.param({"a": "x" * (2048 - 8)}, id="as-long-as-allowed"),
        pytest.param({"\U0001f431 name": "日本語"}, id="any-script"),
        pytest.param({"title": "not the title", "owner": "eve"}, id="names-of-other-fields"),
    ],
)
def test_metadata_is_returned_and_is_not_part_of_the_desired_state(api: Api, metadata: dict[str, str]) -> None:
    video_id = api.create(metadata=metadata)

    assert api.call("GET", f"/api/v1/videos/{video_id}").json["metadata"] == metadata
    assert [video["metadata"] for video in api.call("GET", "/api/v1/videos").json["videos"]] == [metadata]
    assert api.row(video_id).desired.owner == "ann"
    assert not hasattr(api.offers.commands[0], "metadata")


def test_one_byte_more_of_metadata_is_refused_by_name(api: Api) -> None:
    answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "metadata": {"a": "x" * (2048 - 7)}})

    assert answer.status_code == 422
    assert answer.json["errors"] == [{"field": "metadata", "detail": "must have at most 2048 bytes as JSON"}]


def test_metadata_that_is_not_text_is_refused_by_its_key(api: Api) -> None:
    answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "metadata": {"a": "1", "b": 2}})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["metadata.b"]


def test_a_video_names_its_profile(api: Api) -> None:
    Profiles(api.postgres).replace([ordered("small", ProfileSpec((ProfileRendition(360, 800),)))])
    named, unnamed = api.create(profile="small"), api.create()

    assert (api.row(named).desired.profile, api.row(unnamed).desired.profile) == ("small", "hls-1080p")
    assert api.call("GET", f"/api/v1/videos/{named}").json["profile"] == "small"


def test_a_profile_that_there_is_not_is_refused_and_nothing_is_created(api: Api) -> None:
    answer = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "profile": "none"})

    assert answer.status_code == 422
    assert answer.json["code"] == "invalid_request"
    assert [problem["field"] for problem in answer.json["errors"]] == ["profile"]
    assert api.call("GET", "/api/v1/videos").json["videos"] == []
