"""What people see who have only the address of a video."""

from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.e2e.uploads.world import uploaded
from tests.e2e.web.pages import DESKTOP, Visitor
from tests.support.eventually import eventually

BUDGET_BYTES = 200 * 1024


def ready(visitor: Visitor, clip: Path) -> str:
    """Upload a clip as the visitor, and return its id once it plays."""
    video_id = uploaded(visitor.person.client, clip)
    eventually(lambda: visitor.person.client.video(video_id).is_playable, within_seconds=60)
    return video_id


def plays(page: Page) -> None:
    """Press play, and wait until the picture moves."""
    page.get_by_role("button", name="Play").click()
    video = page.locator("video")
    eventually(lambda: float(video.evaluate("video => video.currentTime")) > 0.2, within_seconds=60)


def test_a_viewer_without_a_token_watches_a_video(visitor: Visitor, browser: Browser, clip: Path) -> None:
    video_id = ready(visitor, clip)
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    visitor.listen(page)
    loaded: list[int] = []
    page.on("response", lambda response: loaded.append(int(response.headers.get("content-length", 0))))
    page.goto(f"{visitor.web_url}/watch/{video_id}")
    page.get_by_role("heading", name="clip").wait_for()
    page.wait_for_load_state("networkidle")

    assert len(loaded) > 2
    assert sum(loaded) < BUDGET_BYTES
    plays(page)
    page.screenshot(path=visitor.pictures / "watch.png")

    visitor.person.client.delete(video_id)
    answer = page.goto(f"{visitor.web_url}/watch/{video_id}?again")
    assert answer is not None
    assert answer.status == 404
    page.get_by_role("heading", name="This video is not available").wait_for()
    context.close()
