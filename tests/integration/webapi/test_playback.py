"""Private videos: who may open their playlists, for how long, and what those name."""

import gzip
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import falcon.testing
import m3u8  # type: ignore[import-untyped]
import pytest

from database.captions import CaptionRows
from database.posters import PosterRows
from domain.captions import CaptionTrack, PublishedCaptions, digest_of, text_name
from domain.playback import PlaybackTimes
from domain.posters import digest_of as digest_of_picture
from domain.posters import file_name
from domain.video import Published, Rendition, Visibility
from tests.support.api import A_VIDEO, API_BASE_URL, PLAYBACK_KEYS, Api
from tests.support.builders.pictures import PICTURE
from tests.support.fakes.videos import stream
from webapi.http.playback_tokens import PlaybackTokens
from webapi.videos.playback import SignedPlaylists
from webapi.videos.playback_links import PlaybackLinks
from webapi.videos.videos import Policy

TWO_HOURS = 7200.0
RENDITIONS = tuple(Rendition(f"1-abc/hls/{name}/index.m3u8", rate) for name, rate in (("360p", 1), ("720p", 2)))
PUBLISHED = Published(1, 1, TWO_HOURS, RENDITIONS, has_poster=True)
FILES = {f"1-abc/{path}": body for path, body in stream().items()} | {"thumbnail.jpg": b"JPG"}


@pytest.fixture
def video_id(api: Api) -> str:
    """A private video of Ann's that can be played."""
    video_id = api.create(visibility="private")
    api.publish_privately(video_id, PUBLISHED, FILES)
    return video_id


def shown(api: Api, video_id: str) -> Mapping[str, str]:
    response = api.call("GET", f"/api/v1/videos/{video_id}")
    assert response.status_code == 200
    body: Mapping[str, str] = response.json
    return body


def opened(api: Api, url: str, **headers: str) -> falcon.testing.Result:
    """Open a URL as a player does: without a user's token."""
    parts = urlsplit(url)
    assert url.startswith(API_BASE_URL)
    return api.client.simulate_get(parts.path, query_string=parts.query, headers=headers)


def master(api: Api, video_id: str) -> m3u8.M3U8:
    response = opened(api, shown(api, video_id)["playback_url"])
    assert response.status_code == 200, response.text
    return m3u8.loads(response.text, uri=shown(api, video_id)["playback_url"])


def test_a_player_gets_from_the_video_to_signed_segments_without_a_users_token(api: Api, video_id: str) -> None:
    playlist = master(api, video_id)
    assert [variant.stream_info.bandwidth for variant in playlist.playlists] == [1, 2]
    for variant, name in zip(playlist.playlists, ("360p", "720p"), strict=True):
        media = opened(api, variant.absolute_uri)
        assert media.headers["content-type"] == "application/vnd.apple.mpegurl"
        assert media.headers["cache-control"] == "no-store"
        urls = [segment.uri for segment in m3u8.loads(media.text).segments]
        prefix = f"https://processed.storage.test/private/{video_id}/1-abc/hls/{name}/"
        assert [url.partition("?")[0] for url in urls] == [f"{prefix}000.ts", f"{prefix}001.ts"]


def test_the_picture_comes_from_storage(api: Api, video_id: str) -> None:
    response = opened(api, shown(api, video_id)["thumbnail_url"])
    assert response.status_code == 302
    assert response.headers["location"].startswith(f"https://processed.storage.test/private/{video_id}/thumbnail.jpg?")
    assert not response.content


def test_a_link_to_a_poster_shows_the_newest_one(api: Api, video_id: str) -> None:
    def location() -> str:
        return opened(api, url).headers["location"].partition("?")[0].rpartition(f"/{video_id}/")[2]

    url = shown(api, video_id)["thumbnail_url"]
    for picture in (PICTURE, None, PICTURE):
        row = api.commands.choose_poster(video_id, picture)
        assert PosterRows(api.postgres).show(row)
        path = "thumbnail.jpg" if picture is None else f"poster/{file_name(digest_of_picture(PICTURE))}"
        assert location() == path
        # A browser keeps where a link led to, so another picture has another link.
        assert shown(api, video_id)["thumbnail_url"] != url or picture is None
        url = shown(api, video_id)["thumbnail_url"]
        assert location() == path


def test_captions_are_in_the_master_and_their_text_comes_from_storage(api: Api, video_id: str) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"
    track = CaptionTrack("en", "English", True, digest_of(text))
    row = api.commands.put_captions(video_id, track, text)
    assert CaptionRows(api.postgres).publish(row, PublishedCaptions(row.captions, attempt=1))
    playlist = f"#EXTM3U\n#EXTINF:7200,\n{text_name(track)}\n#EXT-X-ENDLIST\n".encode()
    api.storage.put_processed(f"private/{video_id}/captions/en.m3u8", playlist)
    (media,) = master(api, video_id).media
    (segment,) = m3u8.loads(opened(api, media.absolute_uri).text).segments
    text_url = f"https://processed.storage.test/private/{video_id}/captions/{text_name(track)}?"
    assert segment.uri.startswith(text_url)
    (listed,) = api.call("GET", f"/api/v1/videos/{video_id}/captions").json["captions"]
    assert opened(api, listed["url"]).headers["location"].startswith(text_url)


def test_the_url_of_a_playlist_can_be_opened_for_an_hour_at_most(api: Api, video_id: str) -> None:
    url = shown(api, video_id)["playback_url"]
    api.now += timedelta(minutes=44)
    assert opened(api, url).status_code == 200
    api.now += timedelta(minutes=16)
    response = opened(api, url)
    assert (response.status_code, response.json["code"]) == (403, "playback_denied")
    assert opened(api, shown(api, video_id)["playback_url"]).status_code == 200


def test_a_viewer_of_two_hours_may_change_the_quality_to_the_end_and_later(api: Api, video_id: str) -> None:
    began, (low, high) = api.now, master(api, video_id).playlists
    assert opened(api, low.absolute_uri).status_code == 200
    api.now = began + timedelta(seconds=PlaybackTimes().viewing_seconds(TWO_HOURS))
    late = m3u8.loads(opened(api, high.absolute_uri).text).segments[0].uri
    assert api.now < began + timedelta(hours=5, minutes=15)
    # A segment's URL ends with the viewing that it was signed for.
    assert f"ends={began + timedelta(hours=5, minutes=15):%Y%m%dT%H%M%SZ}" in late
    api.now += timedelta(minutes=15)
    assert opened(api, high.absolute_uri).status_code == 403


def test_the_response_about_a_video_does_not_change_with_each_request(api: Api, video_id: str) -> None:
    tag = api.call("GET", f"/api/v1/videos/{video_id}").headers["etag"]
    api.now += timedelta(seconds=20)
    again = api.call("GET", f"/api/v1/videos/{video_id}", headers={"If-None-Match": tag})
    assert again.status_code == 304


def test_a_deleted_video_cannot_be_opened_with_any_url(api: Api, video_id: str) -> None:
    urls = [shown(api, video_id)[name] for name in ("playback_url", "thumbnail_url")]
    urls += [variant.absolute_uri for variant in master(api, video_id).playlists]
    assert [opened(api, url).status_code for url in urls] == [200, 302, 200, 200]
    api.commands.delete(video_id)
    assert [opened(api, url).status_code for url in urls] == [404] * 4


def test_a_rotated_key_still_verifies_what_it_signed(api: Api, video_id: str) -> None:
    old = PlaybackLinks(API_BASE_URL, PlaybackTokens(PLAYBACK_KEYS[1:], lambda: api.now))
    assert opened(api, old.playlist(video_id, api.now)).status_code == 200
    api.client = api.rebuilt(playback_tokens=PlaybackTokens(PLAYBACK_KEYS[:1], lambda: api.now))
    assert opened(api, old.playlist(video_id, api.now)).status_code == 403


def test_playlists_are_compressed_for_those_who_accept_it(api: Api, video_id: str) -> None:
    url = shown(api, video_id)["playback_url"]
    packed = opened(api, url, **{"Accept-Encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == opened(api, url).content
    assert "Accept-Encoding" in packed.headers["vary"]


def test_of_one_step_storage_is_asked_once_for_a_playlist(api: Api, video_id: str) -> None:
    url = master(api, video_id).playlists[0].absolute_uri
    first = opened(api, url).text
    api.storage.processed.clear()
    assert opened(api, url).text == first
    api.now += timedelta(minutes=15)
    assert opened(api, url).status_code == 404


def test_what_is_kept_in_memory_is_bounded(api: Api) -> None:
    playlists, files = SignedPlaylists(api.stores, bytes_max=2_000), stream(segments=50)
    tokens, row = PlaybackTokens(PLAYBACK_KEYS, lambda: api.now), api.row(api.create())
    for number in range(20):
        video_id = f"{'b' * 24}{chr(97 + number)}2"
        api.storage.put_processed(f"private/{video_id}/index.m3u8", files["hls/360p/index.m3u8"])
        link = PlaybackLinks(API_BASE_URL, tokens).file(video_id, "index.m3u8", api.now)
        token = link.partition("token=")[2]
        grant = tokens.verify(token, video_id=video_id, use="file")  # type: ignore[arg-type]
        assert playlists.compressed(row, grant, api.now)
        assert playlists.kept_bytes <= 2_000


def test_a_public_video_has_no_private_playlist(api: Api) -> None:
    video_id = api.create()
    api.publish_privately(video_id, PUBLISHED, FILES)
    row = api.row(video_id)
    api.observe(video_id, is_private=False)
    assert row.desired.visibility is Visibility.PUBLIC
    assert shown(api, video_id)["playback_url"] == f"https://cdn.example.com/processed/{video_id}/playlist.m3u8"
    link = PlaybackLinks(API_BASE_URL, PlaybackTokens(PLAYBACK_KEYS, lambda: api.now)).playlist(video_id, api.now)
    assert opened(api, link).status_code == 404


@pytest.mark.parametrize(
    ("default", "requested", "visibility"),
    [("public", None, "public"), ("private", None, "private"), ("private", "public", "public")],
)
def test_the_installation_has_a_default(api: Api, default: str, requested: str | None, visibility: str) -> None:
    policy = Policy(**{**vars(api.deps.policy), "visibility": Visibility(default)})
    api.client = api.rebuilt(policy=policy)
    video_id = api.create(**({} if requested is None else {"visibility": requested}))
    assert shown(api, video_id)["visibility"] == visibility
    assert api.offers.commands[-1].visibility == visibility


def test_without_keys_a_private_video_is_refused_by_the_name_of_the_field(api: Api) -> None:
    api.client = api.rebuilt(policy=Policy(**{**vars(api.deps.policy), "has_private_playback": False}))
    response = api.call("POST", "/api/v1/videos", json={**A_VIDEO, "visibility": "private"})
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == ["visibility"]
    assert not api.video_ids()


def test_without_keys_no_video_becomes_private(api: Api) -> None:
    video_id = api.create()
    api.client = api.rebuilt(policy=Policy(**{**vars(api.deps.policy), "has_private_playback": False}))
    response = api.call("PATCH", f"/api/v1/videos/{video_id}", json={"visibility": "private"})
    assert [error["field"] for error in response.json["errors"]] == ["visibility"]
    assert api.row(video_id).desired.visibility is Visibility.PUBLIC


def test_while_its_files_move_the_video_plays_where_they_are(api: Api, video_id: str) -> None:
    path = f"/api/v1/videos/{video_id}"
    api.observe(video_id, attempt=1)
    moved = api.call("PATCH", path, json={"visibility": "public"}).json
    assert (moved["visibility"], moved["status"], moved["is_playable"]) == ("public", "ready", True)
    assert (moved["reason"], moved["waiting_for"].partition(",")[0]) == ("Moving", "its files to be moved")
    assert opened(api, moved["playback_url"]).status_code == 200
    api.observe(video_id, is_relocating=True)
    assert opened(api, shown(api, video_id)["playback_url"]).status_code == 200

    api.observe(video_id, is_private=False)
    flipped = shown(api, video_id)
    assert flipped["playback_url"] == f"https://cdn.example.com/processed/{video_id}/playlist.m3u8"
    assert flipped["reason"] == "Moving"
    assert opened(api, moved["playback_url"]).status_code == 404
    api.observe(video_id, is_relocating=False)
    assert shown(api, video_id)["reason"] == "Published"


def test_a_token_opens_one_thing_alone(api: Api, video_id: str) -> None:
    """A playlist's token is shared with those who watch; none may be traded for another file or a longer time."""
    video = shown(api, video_id)
    media = master(api, video_id).playlists[0].absolute_uri
    urls = {"playlist.m3u8": video["playback_url"], "media.m3u8": media, "file": video["thumbnail_url"]}
    for name, url in urls.items():
        assert opened(api, url).status_code in (200, 302)
        for other in urls.keys() - {name}:
            traded = opened(api, url.replace(f"/{name}?", f"/{other}?"))
            assert traded.status_code == 404, (name, other)
            assert traded.json["code"] == "not_found"
