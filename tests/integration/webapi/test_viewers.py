"""Private videos opened to viewers by an app, which signs tokens itself: the Python client's."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import falcon.testing
import m3u8  # type: ignore[import-untyped]
import pytest

from domain.video import Published, Rendition
from tests.support.api import API_BASE_URL, VIEWER_KEY, Api
from tests.support.fakes.videos import stream
from videoupload import sign_playback_token

PUBLISHED = Published(1, 1, 7200.0, (Rendition("1-abc/hls/360p/index.m3u8", 1),), has_poster=True)
FILES = {f"1-abc/{path}": body for path, body in stream().items()} | {"thumbnail.jpg": b"JPG"}
NETWORK, PAGE = "203.0.113.0/24", "https://www.example.com"
FROM_THERE = {"X-Forwarded-For": "203.0.113.9", "Origin": PAGE}


@pytest.fixture
def video_id(api: Api) -> str:
    """A private video of Ann's that can be played."""
    video_id = api.create(visibility="private")
    api.publish_privately(video_id, PUBLISHED, FILES)
    return video_id


def a_token(api: Api, video_id: str, **limits: Any) -> str:
    return sign_playback_token(video_id, VIEWER_KEY, key_name="app", now=api.now, **limits)


def opened(
    api: Api, video_id: str, token: str, headers: Mapping[str, str] | None = None, *, name: str = "playlist.m3u8"
) -> falcon.testing.Result:
    path = f"/api/v1/playback/{video_id}/{name}"
    return api.client.simulate_get(path, params={"token": token}, headers=dict(headers or {}))


def media_of(response: falcon.testing.Result, video_id: str) -> str:
    assert response.status_code == 200, response.text
    url = f"{API_BASE_URL}/api/v1/playback/{video_id}/playlist.m3u8"
    return str(urljoin(url, m3u8.loads(response.text).playlists[0].uri))


def followed(api: Api, url: str, headers: Mapping[str, str] | None = None) -> falcon.testing.Result:
    parts = urlsplit(url)
    return api.client.simulate_get(parts.path, query_string=parts.query, headers=dict(headers or {}))


def test_a_viewer_gets_from_the_apps_token_to_signed_segments(api: Api, video_id: str) -> None:
    media = followed(api, media_of(opened(api, video_id, a_token(api, video_id)), video_id))
    segments = [segment.uri for segment in m3u8.loads(media.text).segments]
    assert all(url.startswith(f"https://processed.storage.test/private/{video_id}/1-abc/") for url in segments)
    picture = opened(api, video_id, a_token(api, video_id), name="file")
    assert picture.status_code == 302
    assert picture.headers["location"].startswith(f"https://processed.storage.test/private/{video_id}/thumbnail.jpg?")


def test_limits_hold_for_every_playlist_and_the_picture(api: Api, video_id: str) -> None:
    token = a_token(api, video_id, networks=[NETWORK], origins=[PAGE])
    media = media_of(opened(api, video_id, token, FROM_THERE), video_id)
    assert followed(api, media, FROM_THERE).status_code == 200
    for elsewhere in (
        {},
        {**FROM_THERE, "X-Forwarded-For": "203.0.113.9, 198.51.100.1"},
        {**FROM_THERE, "Origin": "https://elsewhere.example"},
    ):
        refused = [
            opened(api, video_id, token, elsewhere),
            opened(api, video_id, token, elsewhere, name="file"),
            followed(api, media, elsewhere),
        ]
        assert [(one.status_code, one.json["code"]) for one in refused] == [(403, "playback_denied")] * 3


def test_a_token_that_lasts_long_gives_links_as_short_as_ours(api: Api, video_id: str) -> None:
    token = a_token(api, video_id, lifetime=timedelta(hours=20))
    location = opened(api, video_id, token, name="file").headers["location"]
    assert f"ends={api.now + timedelta(hours=1):%Y%m%dT%H%M%SZ}" in location
    api.now += timedelta(hours=19)
    media = media_of(opened(api, video_id, token), video_id)
    api.now += timedelta(hours=2)
    assert opened(api, video_id, token).status_code == 403
    # Who opened it in time watches to the end.
    assert followed(api, media).status_code == 200


def test_a_token_opens_no_other_video_and_no_media_playlist(api: Api, video_id: str) -> None:
    other = api.create(visibility="private")
    api.publish_privately(other, PUBLISHED, FILES)
    token = a_token(api, video_id)
    assert opened(api, other, token).json["code"] == "not_found"
    assert opened(api, video_id, token, name="media.m3u8").json["code"] == "not_found"


def test_a_token_opens_nothing_of_a_public_or_deleted_video(api: Api, video_id: str) -> None:
    public = api.create()
    assert opened(api, public, a_token(api, public)).status_code == 404
    api.commands.delete(video_id)
    assert opened(api, video_id, a_token(api, video_id)).status_code == 404


def test_where_no_app_may_sign_its_tokens_are_refused(api: Api, video_id: str) -> None:
    api.client = api.rebuilt(viewer_tokens=None)
    assert opened(api, video_id, a_token(api, video_id)).json["code"] == "playback_denied"


def test_where_proxies_are_not_counted_a_token_for_a_network_is_refused(api: Api, video_id: str) -> None:
    api.client = api.rebuilt(trusted_proxy_hops=None)
    assert opened(api, video_id, a_token(api, video_id, networks=["0.0.0.0/0"]), FROM_THERE).status_code == 403


def test_the_longest_token_leads_to_one_that_fits_into_a_url(api: Api, video_id: str) -> None:
    origins = [f"https://{'a' * 80}.{number}.example" for number in range(8)]
    token = a_token(api, video_id, networks=[NETWORK], origins=origins)
    assert 1300 < len(token) <= 1536
    headers = {**FROM_THERE, "Origin": origins[7]}
    assert followed(api, media_of(opened(api, video_id, token, headers), video_id), headers).status_code == 200
