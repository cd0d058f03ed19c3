"""The original of a playable video can be converted again, and downloaded as it was sent."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from playwright.sync_api import Locator

from devstack import s3
from tests.e2e.uploads.world import World, plays_attempt
from tests.e2e.web.pages import PATIENCE_MS, Visitor
from tests.support.eventually import eventually

# The default of RETRANSCODES_PER_DAY.
PER_DAY = 10


def test_a_video_is_converted_again_while_it_plays(visitor: Visitor, clip: Path) -> None:
    page, video_id = visitor.page, watched(visitor, clip)
    again = page.get_by_role("button", name="Convert again")
    dialog = page.get_by_role("dialog", name="Convert “clip” again?")
    visitor.play()
    page.locator("video").evaluate("video => { video.loop = true; }")
    visitor.world.faults(hold=1)

    again.press("Enter")
    dialog.wait_for()
    visitor.picture("1-asks-first")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    eventually(lambda: is_focused(again))
    assert shown_by_api(visitor, video_id)["edition"] == 1
    again.press("Enter")
    dialog.get_by_role("button", name="Convert again").press("Enter")
    page.get_by_role("progressbar", name="Newer conversion of clip").wait_for(timeout=PATIENCE_MS)
    visitor.picture("2-plays-meanwhile")
    assert again.count() == 0
    assert is_focused(page.get_by_role("group", name="What you can do"))
    before = visitor.current_time()
    eventually(lambda: visitor.current_time() != before)
    visitor.world.faults(hold=0)
    page.get_by_text("A new conversion is ready.").wait_for(timeout=PATIENCE_MS)
    visitor.picture("3-another-edition")

    shown = shown_by_api(visitor, video_id)
    assert (shown["edition"], shown["edition_status"]) == (2, "ready")
    assert plays_attempt(shown["playback_url"], 2)
    page.get_by_role("button", name="Play the new version").click()
    eventually(lambda: visitor.current_time() > 0)
    assert is_focused(page.locator("video"))
    again.wait_for()


def test_the_list_follows_a_newer_conversion_too(visitor: Visitor, clip: Path) -> None:
    watched(visitor, clip)
    visitor.world.faults(hold=1)
    visitor.page.get_by_role("button", name="Convert again").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Convert again").click()
    visitor.page.get_by_role("dialog").wait_for(state="detached")
    visitor.page.get_by_role("link", name="My videos").click()

    sentence = visitor.card("clip").get_by_text("newer conversion")
    sentence.wait_for(timeout=PATIENCE_MS)
    visitor.world.faults(hold=0)
    sentence.wait_for(state="detached", timeout=PATIENCE_MS)


def test_the_daily_limit_is_explained(visitor: Visitor, clip: Path) -> None:
    video_id = watched(visitor, clip)
    spend_the_day(visitor, video_id)
    visitor.page.get_by_role("button", name="Convert again").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Convert again").click()

    visitor.page.get_by_role("alert").get_by_text("your daily conversion limit. You can convert again in").wait_for()
    visitor.picture("limit")
    assert shown_by_api(visitor, video_id)["edition"] == 1


def test_the_original_comes_back_byte_for_byte(visitor: Visitor, clip: Path) -> None:
    page, video_id = visitor.page, watched(visitor, clip)
    button = page.get_by_role("button", name="Download the original")
    with page.expect_download() as downloading:
        button.press("Enter")
    page.get_by_role("status").get_by_text("Your browser is saving “clip.mp4”").wait_for()
    visitor.picture("1-saved")

    assert downloading.value.suggested_filename == "clip.mp4"
    assert Path(downloading.value.path()).read_bytes() == clip.read_bytes()
    lose_the_original(visitor.world, video_id)
    button.click()
    page.get_by_role("alert").get_by_text("storage no longer has the file").wait_for()
    visitor.picture("2-lost")
    assert page.url.endswith(f"#/watch/{video_id}")


def watched(visitor: Visitor, clip: Path) -> str:
    """Upload the clip and look at it; return its id."""
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    video_id = visitor.video_id("clip")
    visitor.card("clip").get_by_role("link", name="clip").click()
    # A video is playable a moment before its edition is at rest, and only then accepts another one.
    visitor.page.get_by_role("button", name="Convert again").wait_for()
    return video_id


def shown_by_api(visitor: Visitor, video_id: str) -> Any:
    """Return the API's response about a video."""
    return visitor.person.call("GET", f"/videos/{video_id}", expected=200)


def is_focused(element: Locator) -> bool:
    """Return whether this element has the keyboard focus."""
    focused: bool = element.evaluate("element => element === document.activeElement")
    return focused


def spend_the_day(visitor: Visitor, video_id: str) -> None:
    """Record as many retranscodes of a user as a day allows."""
    spent = (
        "INSERT INTO retranscodes (video_id, edition, owner) SELECT %s, 100 + n, %s FROM generate_series(1, %s) AS n"
    )
    with psycopg.connect(visitor.world.described.database_url, autocommit=True) as connection:
        connection.execute(spent, [video_id, visitor.user, PER_DAY])


def lose_the_original(world: World, video_id: str) -> None:
    """Delete the file from storage directly."""
    bucket = world.described.s3
    reach = s3.access(world.stack.paths, urlsplit(bucket.endpoint).port or 0, bucket=bucket.bucket)
    s3.client_for(reach).delete_object(Bucket=bucket.bucket, Key=world.original_key(video_id))
