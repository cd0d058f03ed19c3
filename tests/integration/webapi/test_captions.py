"""The calls about captions: what they take, what they store, and what they show."""

from typing import Any

import pytest
from falcon.testing import Result

from database.captions import CaptionRows
from domain.caption_text import BYTES_MAX
from domain.captions import LANGUAGES_MAX, PublishedCaptions
from domain.video import Published, Reason
from tests.support.api import Api, verify_file

TEXT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n"
SUBRIP = "1\n00:00:01,000 --> 00:00:02,000\nHello\n"


def path(video_id: str, language: str = "") -> str:
    return f"/api/v1/videos/{video_id}/captions{language and '/'}{language}"


def put(api: Api, video_id: str, language: str = "en", body: Any = TEXT, **sent: Any) -> Result:
    sent.setdefault("headers", {"Content-Type": "text/vtt"})
    return api.call("PUT", path(video_id, language), body=body, **sent)


def listed(api: Api, video_id: str) -> Any:
    return api.call("GET", path(video_id)).json["captions"]


def stored(api: Api) -> list[tuple[str, str]]:
    return [(row["language"], row["body"]) for row in api.sql("SELECT language, body FROM caption_texts")]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(TEXT, "text/vtt"), (TEXT, "Text/VTT; charset=utf-8"), (SUBRIP, "application/x-subrip"), (SUBRIP, "text/plain")],
)
def test_captions_are_recorded_as_webvtt_and_listed(api: Api, body: str, content_type: str) -> None:
    video_id = api.create()
    api.offers.commands.clear()
    answer = put(api, video_id, "EN-us", body, params={"label": "English"}, headers={"Content-Type": content_type})

    caption = {"language": "en-US", "label": "English", "default": False, "status": "pending", "url": None}
    assert (answer.status_code, answer.json) == (200, caption)
    assert listed(api, video_id) == [caption]
    assert stored(api) == [("en-US", TEXT)]
    assert api.offers.commands == [api.row(video_id).desired]
    assert api.row(video_id).desired.revision == 2


def test_published_captions_have_a_url(api: Api) -> None:
    video_id = api.create()
    put(api, video_id)
    published = Published(1, 1, 3.0, (), has_poster=False)
    verify_file(api, video_id, reason=Reason.PUBLISHED, published=published)
    row = api.row(video_id)
    assert listed(api, video_id)[0]["url"] is None

    assert CaptionRows(api.postgres).publish(row, PublishedCaptions(row.captions, attempt=1))
    digest = row.captions.tracks[0].digest
    assert listed(api, video_id)[0]["status"] == "published"
    assert listed(api, video_id)[0]["url"] == f"https://cdn.example.com/processed/{video_id}/captions/en-{digest}.vtt"


def test_one_track_is_the_default(api: Api) -> None:
    video_id = api.create()
    put(api, video_id, "en", params={"default": "true"})
    put(api, video_id, "de", params={"default": "true"})
    assert [(caption["language"], caption["default"]) for caption in listed(api, video_id)] == [
        ("de", True),
        ("en", False),
    ]
    assert listed(api, video_id)[0]["label"] == "de"


def test_a_repeated_call_changes_nothing(api: Api) -> None:
    video_id = api.create()
    put(api, video_id)
    row = api.row(video_id)
    api.offers.commands.clear()
    put(api, video_id)
    assert api.call("DELETE", path(video_id, "fr")).status_code == 204
    assert (api.row(video_id), api.offers.commands) == (row, [])


def test_captions_are_removed(api: Api) -> None:
    video_id = api.create()
    put(api, video_id)
    assert api.call("DELETE", path(video_id, "EN")).status_code == 204
    assert (listed(api, video_id), stored(api)) == ([], [])


@pytest.mark.parametrize(
    ("changes", "status", "code", "detail"),
    [
        ({"language": "english"}, 422, "invalid_request", "not accepted: language"),
        ({"params": {"label": 'a"b'}}, 422, "invalid_request", "not accepted: label"),
        ({"params": {"label": " "}}, 422, "invalid_request", "not accepted: label"),
        ({"params": {"default": "maybe"}}, 422, "invalid_request", "not accepted: default"),
        ({"params": {"kind": "captions"}}, 422, "invalid_request", "not accepted: kind"),
        ({"headers": {"Content-Type": "application/json"}}, 415, "unsupported_media_type", None),
        ({"headers": {}}, 415, "unsupported_media_type", None),
        ({"body": b"x" * (BYTES_MAX + 1)}, 413, "body_too_large", "the body may have at most 1048576 bytes"),
        ({"body": b"\xff"}, 422, "invalid_captions", "line 1: the text is not UTF-8"),
        (
            {"body": TEXT.replace("02.000", "01.000")},
            422,
            "invalid_captions",
            "line 3: a caption must end after it begins",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(
    api: Api, changes: dict[str, Any], status: int, code: str, detail: str | None
) -> None:
    video_id = api.create()
    answer = put(api, video_id, **changes)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert detail is None or answer.json["detail"] == detail
    assert api.row(video_id).desired.revision == 1


def test_a_video_has_captions_in_a_limited_number_of_languages(api: Api) -> None:
    video_id = api.create()
    for number in range(LANGUAGES_MAX):
        assert put(api, video_id, f"a{chr(97 + number)}").status_code == 200
    answer = put(api, video_id)
    assert (answer.status_code, answer.json["code"]) == (409, "too_many")
    assert put(api, video_id, "aa", SUBRIP).status_code == 200


def test_texts_replaced_again_and_again_wait_for_a_pass(api: Api) -> None:
    video_id = api.create()
    answers = [put(api, video_id, body=TEXT.replace("Hello", f"Hello {number}")) for number in range(102)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert (answers[-1].status_code, answers[-1].json["retryable"]) == (503, True)
    assert answers[-1].headers["Retry-After"]


def test_a_deleted_video_takes_no_captions(api: Api) -> None:
    video_id = api.create()
    put(api, video_id)
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    for answer in (put(api, video_id, "de"), api.call("DELETE", path(video_id, "en"))):
        assert (answer.status_code, answer.json["code"]) == (409, "video_deleted")


def test_another_users_video_is_not_found(api: Api) -> None:
    video_id = api.create()
    for method, language in (("GET", ""), ("PUT", "en"), ("DELETE", "en")):
        assert api.call(method, path(video_id, language), user="bob").status_code == 404
