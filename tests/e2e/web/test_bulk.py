"""The search over all videos, and bulk requests from it: shown with their cost, confirmed, and done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.e2e.uploads.world import World, uploaded
from tests.e2e.web.accessibility import violations
from tests.e2e.web.pages import DESKTOP, PATIENCE_MS, PHONE, Visitor
from tests.support.eventually import eventually
from videoupload import Client


@pytest.fixture(params=[PHONE, DESKTOP], ids=["360px", "1280px"])
def visitor(browser: Browser, world: World, pictures: Path, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """An administrator."""
    viewport: ViewportSize = request.param
    with Visitor.arrived(browser, world, pictures, viewport=viewport, is_admin=True) as arrived:
        yield arrived


def all_become(client: Client, video_ids: list[str], status: str) -> None:
    eventually(lambda: {client.video(video_id).status for video_id in video_ids} == {status}, within_seconds=60)


def test_videos_are_found_shown_with_their_cost_and_retried_together(visitor: Visitor, clip: Path) -> None:
    world, page = visitor.world, visitor.page
    world.faults(fail=1)
    client = world.client()
    failed = [uploaded(client, clip) for _ in range(2)]
    all_become(client, failed, "errored")
    world.faults(fail=0)

    page.get_by_role("link", name="Operations").click()
    search = page.get_by_role("search", name="All videos")
    search.get_by_label("Owner").fill("has-no-videos")
    search.get_by_role("button", name="Search").click()
    page.get_by_text("No video matches.").wait_for()

    search.get_by_label("Owner").fill("")
    search.get_by_label("Status").select_option("errored")
    search.get_by_label("Error code").fill("transcode_failed")
    search.get_by_role("button", name="Search").click()
    for video_id in failed:
        page.locator(f"[data-found='{video_id}']").wait_for()
    assert page.get_by_role("button", name="Convert the ready ones again").count() == 0
    assert violations(page) == []
    visitor.picture("1-found")

    page.get_by_role("button", name="Retry the failed ones").click()
    dialog = page.get_by_role("dialog", name="Retry the failed ones")
    dialog.locator("[data-bulk='plan']").wait_for()
    shown = dialog.inner_text()
    assert "videos that match will be retried." in shown
    assert "min of video, " in shown
    assert violations(page) == []
    visitor.picture("2-plan")
    assert all(client.video(video_id).status == "errored" for video_id in failed), "nothing has happened yet"

    dialog.get_by_role("button", name="Retry").click()
    dialog.locator("[data-bulk='result']").wait_for(timeout=PATIENCE_MS)
    assert "will be retried." in dialog.inner_text()
    assert violations(page) == []
    dialog.get_by_role("button", name="Close").click()
    all_become(client, failed, "ready")
