"""What is accepted as a request, where no row is needed to decide, and how a refusal is worded."""

import json
from typing import Any

import falcon.testing
import pytest
from pydantic import ValidationError

from tests.support.api import Api, token
from webapi.http.parsing import parse_json, read_query
from webapi.http.problems import HttpProblemError
from webapi.schemas.requests import CreateVideo, ListVideos, Request, SignParts
from webapi.schemas.webhooks import ChangeWebhook, CreateWebhook, ReplayWebhook


def created(**changes: object) -> CreateVideo:
    body = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4", **changes}
    return CreateVideo.model_validate_json(json.dumps(body), strict=True)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        pytest.param("video/mp4", "video/mp4", id="plain"),
        pytest.param("Video/MP4", "video/mp4", id="in-capitals"),
        pytest.param("video/webm;codecs=vp9,opus", "video/webm", id="as-a-recorder-writes-it"),
        pytest.param('video/mp4; codecs="avc1.42E01E, mp4a.40.2"', "video/mp4", id="quoted-parameter"),
        pytest.param("video/mp4 ;a=b ; c=d", "video/mp4", id="blanks-around-parameters"),
        pytest.param("video/mp4;", "video/mp4", id="empty-parameter"),
        pytest.param("video/vnd.dlna.mpeg-tts", "video/vnd.dlna.mpeg-tts", id="vendor"),
        pytest.param("application/mp4", "application/mp4", id="registered-mp4"),
        pytest.param("application/MXF", "application/mxf", id="registered-mxf"),
        pytest.param("application/ogg", "application/ogg", id="registered-ogg"),
        pytest.param("application/vnd.ms-asf", "application/vnd.ms-asf", id="registered-asf"),
        pytest.param("Application/Octet-Stream; charset=binary", "application/octet-stream", id="unknown"),
    ],
)
def test_a_media_type_is_compared_without_case_and_parameters(sent: str, kept: str) -> None:
    assert created(content_type=sent).content_type == kept


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "video",
        "video/",
        "/mp4",
        "text/html",
        "text/video/mp4",
        "application/pdf",
        "xapplication/mp4",
        "video/mp4 x=y",
        "video /mp4",
        "video/ mp4",
        "video/mp4,text/html",
        "video/mp4;a=\r\nb",
        "video/mp4;\u202e",
        "video/mp4;" + "x" * 250,
    ],
)
def test_a_media_type_that_is_no_video_is_refused(sent: str) -> None:
    with pytest.raises(ValidationError):
        created(content_type=sent)


HOOK = {"url": "https://hooks.example.com/videos"}
VIDEO = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4"}
DAY = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-02T00:00:00Z"}
KINDS = "'video.uploaded', 'video.processing', 'video.ready', 'video.errored', 'video.deleted' or 'video.captions'"
TIME = "must be a time with an offset, such as 2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("model", "body", "field", "detail"),
    [
        pytest.param(SignParts, {"part_numbers": [0]}, "part_numbers.0", "must be at least 1", id="part-0"),
        pytest.param(SignParts, {"part_numbers": []}, "part_numbers", "must have 1 or more entries", id="no-part"),
        pytest.param(SignParts, {"part_numbers": 1}, "part_numbers", "must be an array", id="a-part-alone"),
        pytest.param(SignParts, {"part_numbers": ["1"]}, "part_numbers.0", "must be a whole number", id="part-as-text"),
        pytest.param(SignParts, {"part_numbers": [1, 1]}, "part_numbers", "must name each value once", id="part-twice"),
        pytest.param(SignParts, {}, "part_numbers", "is required", id="missing"),
        pytest.param(SignParts, [], "", "must be an object", id="array-as-body"),
        pytest.param(CreateWebhook, {**HOOK, "kinds": []}, "kinds", "must have 1 or more entries", id="no-kind"),
        pytest.param(CreateWebhook, {**HOOK, "kinds": ["all"]}, "kinds.0", f"must be one of {KINDS}", id="kind"),
        pytest.param(CreateWebhook, {**HOOK, "kinds": "video.ready"}, "kinds", "must be an array", id="kind-alone"),
        pytest.param(ChangeWebhook, {"enabled": "yes"}, "enabled", "must be true or false", id="enabled"),
        pytest.param(ReplayWebhook, {**DAY, "since": "today"}, "since", TIME, id="not-a-time"),
        pytest.param(ReplayWebhook, {**DAY, "since": "2026-03-01T00:00:00"}, "since", TIME, id="no-offset"),
        pytest.param(ReplayWebhook, {**DAY, "since": 7}, "since", TIME, id="a-number-as-time"),
        pytest.param(CreateVideo, {**VIDEO, "title": ""}, "title", "must have 1 or more characters", id="no-title"),
        pytest.param(CreateVideo, {**VIDEO, "title": 7}, "title", "must be a string", id="a-number-as-title"),
        pytest.param(CreateVideo, {**VIDEO, "metadata": []}, "metadata", "must be an object", id="metadata"),
        pytest.param(CreateVideo, {**VIDEO, "size_bytes": 1.5}, "size_bytes", "must be a whole number", id="size"),
        pytest.param(
            CreateVideo, {**VIDEO, "titel": "x"}, "titel", "there is no such field or parameter", id="unknown"
        ),
    ],
)
def test_a_wrong_field_is_named_in_words_of_the_api(model: type[Request], body: Any, field: str, detail: str) -> None:
    with pytest.raises(HttpProblemError) as refused:
        parse_json(json.dumps(body).encode(), model)
    assert [(error.field, error.detail) for error in refused.value.errors] == [(field, detail)]


@pytest.mark.parametrize("name", ["status", "deleted", "page_size", "page_token"])
def test_a_repeated_parameter_is_named(name: str) -> None:
    query = falcon.Request(falcon.testing.create_environ("/", query_string=f"{name}=ready&{name}=errored"))
    with pytest.raises(HttpProblemError) as refused:
        read_query(query, ListVideos)
    assert [(error.field, error.detail) for error in refused.value.errors] == [(name, "appears more than once")]


def test_a_byte_order_mark_before_json_is_skipped() -> None:
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(VIDEO).encode(), CreateVideo).title == "Cats"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json", "/docs", "/api/v1/videos"])
def test_every_get_answers_head_with_the_same_headers(api: Api, path: str) -> None:
    sent = {"Authorization": f"Bearer {token()}"}
    get, head = (api.client.simulate_request(method, path, headers=sent) for method in ("GET", "HEAD"))

    assert head.status_code == get.status_code
    assert head.content == b""
    assert {**head.headers, "x-request-id": ""} == {**get.headers, "x-request-id": ""}


def test_head_is_refused_where_there_is_no_get(api: Api) -> None:
    assert api.client.simulate_request("HEAD", "/webhooks/coconut").status_code == 405


@pytest.mark.parametrize("path", ["/livez/", "/api/v1/videos/", "/api/v1/videos/abc/", "/nowhere/"])
def test_a_slash_at_the_end_of_a_path_is_named(api: Api, path: str) -> None:
    response = api.client.simulate_get(path)

    assert (response.status_code, response.json["code"]) == (404, "not_found")
    assert "slash at its end" in response.json["detail"]
