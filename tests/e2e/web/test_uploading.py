"""Sending files from a real browser: small ones, and large ones over a line that breaks."""

from pathlib import Path

from tests.e2e.web.pages import Visitor
from tests.eventually import eventually


def test_a_small_file_is_sent_converted_and_played(visitor: Visitor, clip: Path) -> None:
    page = visitor.page
    visitor.picture("1-empty")

    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.picture("2-ready")

    assert "token" not in page.url
    visitor.card("clip").get_by_role("link", name="clip").click()
    video = page.locator("video")
    video.evaluate("video => { video.muted = true; return video.play(); }")
    eventually(lambda: video.evaluate("video => video.currentTime > 1"))
    visitor.picture("3-watching")
