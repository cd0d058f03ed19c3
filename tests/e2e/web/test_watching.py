"""Watching and managing a video: play, choose a quality, retry, delete, restore."""

import re
from pathlib import Path

import requests

from tests.e2e.web.pages import PATIENCE_MS, Visitor
from tests.support.clips import ffmpeg
from tests.support.eventually import eventually

# The tracks that are showing, each with its words.
_SHOWN = """video => [...video.textTracks].filter(track => track.mode === "showing")
    .map(track => [track.label, track.language,
        [...track.cues ?? []].map(cue => cue.getCueAsHTML().textContent)[0]])
"""


def test_playback_advances_and_changes_its_quality(visitor: Visitor, sharp_clip: Path) -> None:
    page = visitor.page
    visitor.choose(sharp_clip)
    visitor.wait_for_label("sharp", "Ready")
    visitor.card("sharp").get_by_role("link", name="sharp").click()
    quality = page.get_by_label("Quality")
    eventually(lambda: quality.locator("option").all_inner_texts() == ["Automatic", "720p", "480p", "360p"])

    quality.select_option(label="720p")
    visitor.play()
    eventually(lambda: visitor.picture_height() == 720)
    visitor.picture("1-sharp")
    quality.select_option(label="360p")
    before = visitor.current_time()
    eventually(lambda: visitor.picture_height() == 360)
    page.locator("[data-playing='360p']").wait_for()

    assert visitor.current_time() > before


def test_playback_resumes_when_the_connection_returns(visitor: Visitor, clip: Path) -> None:
    page = visitor.page
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    # The page is loaded already: this test is about the stream.
    visitor.card("clip").get_by_role("link", name="clip").click()
    page.get_by_label("Quality").wait_for()
    page.get_by_role("link", name="My videos").first.click()
    page.route(re.compile(r"\.m3u8"), lambda route: route.abort())
    visitor.card("clip").get_by_role("link", name="clip").click()
    page.get_by_text("The connection is too slow at the moment").wait_for()
    visitor.picture("1-no-stream")
    page.unroute_all()

    eventually(lambda: page.get_by_label("Quality").locator("option").count() == 2)
    visitor.play()
    eventually(lambda: visitor.current_time() > 0)
    assert page.get_by_role("alert").count() == 0


def test_without_the_player_the_page_shows_advice(visitor: Visitor, clip: Path) -> None:
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.page.route(re.compile(r"/assets/hls"), lambda route: route.abort())
    visitor.card("clip").get_by_role("link", name="clip").click()

    visitor.page.get_by_role("alert").get_by_text("The player could not be loaded").wait_for()


def test_a_browser_with_native_hls_plays_without_our_player(visitor: Visitor, clip: Path) -> None:
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.context.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")
    visitor.page.reload()
    visitor.card("clip").get_by_role("link", name="clip").click()
    eventually(lambda: visitor.page.locator("video").get_attribute("src"))
    visitor.play()

    eventually(lambda: visitor.current_time() > 0)
    assert visitor.page.get_by_label("Quality").count() == 0


def test_the_keyboard_controls_the_player(visitor: Visitor, clip: Path) -> None:
    page, video = visitor.page, visitor.page.locator("video")
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.card("clip").get_by_role("link", name="clip").focus()
    page.keyboard.press("Enter")
    eventually(lambda: video.evaluate("video => video.readyState >= 2"))

    page.keyboard.press("m")
    assert video.evaluate("video => video.muted")
    page.keyboard.press("k")
    eventually(lambda: visitor.current_time() > 0)
    page.keyboard.press("k")
    eventually(lambda: video.evaluate("video => video.paused"))
    page.keyboard.press("j")
    eventually(lambda: visitor.current_time() == 0)


def test_captions_are_added_shown_and_removed(visitor: Visitor, clip: Path, captions: Path, tmp_path: Path) -> None:
    page, video = visitor.page, visitor.page.locator("video")
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.card("clip").get_by_role("link", name="clip").click()
    page.get_by_text("No captions yet.").wait_for()
    page.locator("summary", has_text="Add or replace captions").click()

    wrong = tmp_path / "wrong.en.vtt"
    wrong.write_text("WEBVTT\n\n00:02.000 --> 00:01.000\nHello\n")
    page.get_by_label("File (WebVTT or SubRip)").set_input_files(wrong)
    page.get_by_role("button", name="Save the captions").click()
    page.get_by_role("alert").get_by_text("line 3: a caption must end after it begins").wait_for()

    page.get_by_label("File (WebVTT or SubRip)").set_input_files(captions)
    page.get_by_label("Show by default").check()
    page.get_by_role("button", name="Save the captions").click()
    page.locator("[data-language='de']").get_by_text("Published").wait_for(timeout=PATIENCE_MS)
    video.evaluate("video => { video.dataset.before = 'true'; }")
    page.get_by_role("button", name="Show them in the player").click()
    page.locator("video:not([data-before])").wait_for()
    visitor.play()
    eventually(lambda: video.evaluate(_SHOWN) == [["Deutsch", "de", "Hallo & < Welt"]])
    visitor.picture("1-captions")

    page.get_by_role("button", name="Remove captions: Deutsch").click()
    page.get_by_text("No captions yet.").wait_for()
    playlist = eventually(lambda: visitor.person.client.video(visitor.watched_id()).playback_url)
    eventually(lambda: "SUBTITLES" not in requests.get(playlist, timeout=10).text)


def test_a_poster_is_chosen_from_the_video_or_a_file_and_taken_back(
    visitor: Visitor, clip: Path, tmp_path: Path
) -> None:
    page = visitor.page
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.card("clip").get_by_role("link", name="clip").click()
    page.locator("summary", has_text="Change the poster").click()
    page.get_by_text("This picture was taken from the video automatically.").wait_for()
    video_id = visitor.watched_id()

    def published(*, besides: str | None) -> str:
        """Wait for another poster, in the API and on the page."""
        client = visitor.person.client
        url = str(eventually(lambda: (now := client.video(video_id).thumbnail_url) != besides and now))
        page.locator(f".poster-picture[src='{url}']").wait_for(timeout=PATIENCE_MS)
        assert requests.get(url, timeout=10).content.startswith(b"\xff\xd8")
        return url

    automatic = published(besides=None)
    visitor.play()
    eventually(lambda: visitor.current_time() > 0.3)
    page.locator("video").evaluate("video => video.pause()")
    page.get_by_role("button", name="Use this frame as poster").click()
    page.get_by_text("You chose this picture.").wait_for()
    frame = published(besides=automatic)
    assert eventually(lambda: page.locator(".poster-picture").evaluate("picture => picture.naturalWidth")) == 640
    visitor.picture("1-frame")

    wrong, large = tmp_path / "wrong.png", tmp_path / "large.png"
    wrong.write_text("no picture")
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=2560x1440", "-frames:v", "1", large.name, folder=tmp_path)
    page.get_by_label("Picture for the poster").set_input_files(wrong)
    page.get_by_role("alert").get_by_text("no picture that the browser can read").wait_for()
    page.get_by_label("Picture for the poster").set_input_files(large)
    picture = published(besides=frame)
    assert eventually(lambda: page.locator(".poster-picture").evaluate("picture => picture.naturalWidth")) == 1280
    assert requests.get(frame, timeout=10).status_code in {403, 404}

    page.get_by_role("button", name="Back to the automatic one").click()
    assert published(besides=picture) == automatic
    page.get_by_text("This picture was taken from the video automatically.").wait_for()


def test_an_errored_video_is_tried_again_until_it_is_ready(visitor: Visitor, clip: Path) -> None:
    visitor.world.faults(fail=1)
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Failed")
    visitor.picture("1-failed")
    visitor.page.get_by_role("button", name="Failed").click()
    visitor.card("clip").wait_for()

    visitor.world.faults(fail=0)
    visitor.card("clip").get_by_role("button", name="Try again: clip").click()
    visitor.page.get_by_role("button", name="All").click()
    visitor.wait_for_label("clip", "Ready")


def test_a_deleted_video_comes_back_and_plays_again(visitor: Visitor, clip: Path) -> None:
    page = visitor.page
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.card("clip").get_by_role("button", name="Delete: clip").click()
    page.get_by_text("No videos yet").wait_for()

    page.get_by_role("button", name="Deleted").click()
    visitor.wait_for_label("clip", "Deleted")
    visitor.picture("1-deleted")
    visitor.card("clip").get_by_role("button", name="Restore: clip").click()
    page.get_by_text("Nothing deleted").wait_for()
    page.get_by_role("button", name="All").click()
    visitor.wait_for_label("clip", "Ready")

    visitor.card("clip").get_by_role("link", name="clip").click()
    visitor.play()
    eventually(lambda: visitor.current_time() > 0.5)


def test_the_history_is_shown_on_request(visitor: Visitor, clip: Path) -> None:
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.card("clip").get_by_role("link", name="clip").click()
    visitor.page.locator("summary", has_text="History").click()

    visitor.page.locator(".events li").nth(2).wait_for()


def test_the_page_stops_polling_when_nothing_changes(visitor: Visitor, clip: Path) -> None:
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    requested: list[str] = []
    visitor.page.on("request", lambda request: requested.append(request.url))
    # The first poll comes after a second and a half, and later ones within fifteen seconds.
    visitor.page.wait_for_timeout(5_000)

    assert [url for url in requested if "/api/" in url] == []


def test_a_long_list_is_paged(visitor: Visitor) -> None:
    for number in range(14):
        body = {"title": f"Video {number}", "filename": "v.mp4", "content_type": "video/mp4"}
        visitor.person.call("POST", "/videos", expected=201, json=body)
    visitor.page.reload()
    visitor.card("Video 13").wait_for()
    assert visitor.card("Video 0").count() == 0

    visitor.page.get_by_role("button", name="Show more").click()
    visitor.card("Video 0").wait_for()
    assert visitor.page.locator("li.card").count() == 14
    assert visitor.page.get_by_role("button", name="Show more").count() == 0


def test_a_title_is_changed_and_a_video_made_private_plays_on_for_its_owner_alone(visitor: Visitor, clip: Path) -> None:
    page = visitor.page
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.card("clip").get_by_role("link", name="clip").click()
    video_id = visitor.watched_id()
    public = visitor.person.client.video(video_id).playback_url
    assert public is not None
    page.locator("summary", has_text="Change title, visibility or sites").click()
    page.get_by_label("Title").fill("Our summer 🌞")
    page.get_by_label("Who can play it").select_option("private")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Its files move, and then the video is private").wait_for()
    page.get_by_role("heading", name="Our summer 🌞", exact=True).wait_for()
    visitor.picture("1-changed")

    eventually(lambda: requests.get(public, timeout=5).status_code == 404, within_seconds=60)
    eventually(lambda: visitor.person.client.video(video_id).is_playable)
    page.reload()
    page.get_by_text("private").first.wait_for()
    visitor.play()
    eventually(lambda: visitor.current_time() > 0.2)


def test_a_title_that_is_refused_is_named_and_nothing_changes(visitor: Visitor, clip: Path) -> None:
    page = visitor.page
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.card("clip").get_by_role("link", name="clip").click()
    page.locator("summary", has_text="Change title, visibility or sites").click()
    page.get_by_label("Title").fill("cats\u202egpj")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("alert").filter(has_text="the title").wait_for()

    assert visitor.person.client.video(visitor.watched_id()).title == "clip"
    assert page.get_by_label("Title").input_value() == "cats\u202egpj"
