"""The calls about posters: what they take, what they store, and what they show."""

from typing import Any

import pytest
from falcon.testing import Result

from database.posters import PosterRows
from domain.poster_picture import BYTES_MAX
from domain.posters import digest_of, file_name
from domain.video import Published, Reason
from tests.support.api import Api, verify_file
from tests.support.builders.pictures import PICTURE, exif, sized, with_segments

JPEG = {"Content-Type": "image/jpeg"}
OTHER = with_segments(exif(orientation=3), at=PICTURE.index(b"\xff\xdb"))


def put(api: Api, video_id: str, body: bytes = PICTURE, headers: dict[str, str] | None = None) -> Result:
    return api.call("PUT", f"/api/v1/videos/{video_id}/poster", body=body, headers=JPEG if headers is None else headers)


def delete(api: Api, video_id: str) -> Result:
    return api.call("DELETE", f"/api/v1/videos/{video_id}/poster")


def shown(api: Api, video_id: str) -> tuple[str | None, str | None]:
    """Return which poster the video has, and the path of the picture below the video's prefix."""
    video = api.call("GET", f"/api/v1/videos/{video_id}").json
    prefix = f"https://cdn.example.com/processed/{video_id}/"
    return video["poster"], video["thumbnail_url"] and video["thumbnail_url"].removeprefix(prefix)


def stored(api: Api) -> list[bytes]:
    return [bytes(row["body"]) for row in api.sql("SELECT body FROM posters")]


def publish(api: Api, video_id: str) -> None:
    """Play a pass of the operator."""
    rows = PosterRows(api.postgres)
    after = rows.show(api.row(video_id))
    assert after is not None
    assert rows.settle(after)


def playable(api: Api, *, has_poster: bool) -> str:
    video_id = api.create()
    verify_file(api, video_id, reason=Reason.PUBLISHED, published=Published(1, 1, 3.0, (), has_poster=has_poster))
    return video_id


def test_a_poster_is_recorded_and_shown_at_once(api: Api) -> None:
    video_id = api.create()
    api.offers.commands.clear()
    answer = put(api, video_id, with_segments(exif(place=b"43.6532 N")) + b"PK an archive")

    assert (answer.status_code, answer.json["poster"], answer.json["thumbnail_url"]) == (200, "own", None)
    assert stored(api) == [PICTURE]
    assert api.offers.commands == [api.row(video_id).desired]
    assert api.row(video_id).desired.revision == 2


def test_the_url_is_another_one_once_the_picture_is_published(api: Api) -> None:
    video_id = playable(api, has_poster=True)
    assert shown(api, video_id) == ("automatic", "thumbnail.jpg")
    put(api, video_id)
    assert shown(api, video_id) == ("own", "thumbnail.jpg")
    publish(api, video_id)
    assert shown(api, video_id) == ("own", f"poster/{file_name(digest_of(PICTURE))}")

    put(api, video_id, OTHER)
    assert shown(api, video_id) == ("own", f"poster/{file_name(digest_of(PICTURE))}")
    publish(api, video_id)
    assert shown(api, video_id) == ("own", f"poster/{file_name(digest_of(OTHER))}")

    assert delete(api, video_id).status_code == 204
    assert shown(api, video_id) == ("automatic", "thumbnail.jpg")
    assert stored(api) == []


def test_a_video_without_a_picture_says_so(api: Api) -> None:
    video_id = playable(api, has_poster=False)
    assert shown(api, video_id) == (None, None)
    put(api, video_id)
    assert shown(api, video_id) == ("own", None)
    publish(api, video_id)
    assert shown(api, video_id) == ("own", f"poster/{file_name(digest_of(PICTURE))}")
    delete(api, video_id)
    assert shown(api, video_id) == (None, None)


def test_a_repeated_call_changes_nothing(api: Api) -> None:
    video_id = api.create()
    put(api, video_id)
    row = api.row(video_id)
    api.offers.commands.clear()
    assert put(api, video_id).status_code == 200
    assert (api.row(video_id), api.offers.commands) == (row, [])
    for _ in range(2):
        assert delete(api, video_id).status_code == 204
    assert len(api.offers.commands) == 1


@pytest.mark.parametrize(
    ("sent", "status", "code", "detail"),
    [
        ({"headers": {}}, 415, "unsupported_media_type", "the body must be image/jpeg"),
        ({"headers": {"Content-Type": "image/png"}}, 415, "unsupported_media_type", None),
        ({"body": b"\x89PNG\r\n\x1a\n"}, 422, "invalid_poster", "the picture is no JPEG"),
        ({"body": PICTURE[:-2]}, 422, "invalid_poster", "the picture is cut off"),
        ({"body": sized(65500, 65500)}, 422, "invalid_poster", None),
        ({"body": b""}, 422, "invalid_poster", "the picture is no JPEG"),
        ({"body": PICTURE + b"x" * BYTES_MAX}, 413, "body_too_large", "the body may have at most 524288 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused(
    api: Api, sent: dict[str, Any], status: int, code: str, detail: str | None
) -> None:
    video_id = api.create()
    answer = put(api, video_id, **sent)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert detail is None or answer.json["detail"] == detail
    assert (stored(api), api.row(video_id).desired.revision) == ([], 1)


def test_a_deleted_video_takes_none(api: Api) -> None:
    video_id = api.create()
    api.call("DELETE", f"/api/v1/videos/{video_id}")
    for answer in (put(api, video_id), delete(api, video_id)):
        assert (answer.status_code, answer.json["code"]) == (409, "video_deleted")


def test_another_users_video_is_not_found(api: Api) -> None:
    video_id = api.create(user="bob")
    assert put(api, video_id).status_code == delete(api, video_id).status_code == 404
    assert stored(api) == []
