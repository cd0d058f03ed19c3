"""The view for administrators: the working set, dead letters, and retries of any video."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.uploads.world import World, uploaded
from tests.e2e.web.pages import DESKTOP, PATIENCE_MS, Visitor
from tests.support.eventually import eventually


@pytest.fixture
def visitor(browser: Browser, world: World, pictures: Path) -> Iterator[Visitor]:
    """An administrator on a desktop."""
    with Visitor.arrived(browser, world, pictures, viewport=DESKTOP, is_admin=True) as arrived:
        yield arrived


def test_dead_letters_show_the_providers_answer_and_are_tried_again(visitor: Visitor, clip: Path) -> None:
    world, page = visitor.world, visitor.page
    world.faults(fail=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: client.video(video_id).status == "errored", within_seconds=60)
    world.faults(fail=0)

    page.get_by_role("link", name="Operations").click()
    letter = page.locator(f"[data-letter='{video_id}']")
    letter.get_by_text("transcode_failed").wait_for()
    letter.locator("summary").click()
    letter.locator("pre").wait_for()
    visitor.picture("1-dead-letter")
    letter.get_by_role("button", name="Retry").click()
    letter.get_by_text("Retry requested").wait_for()

    eventually(lambda: client.video(video_id).status == "ready", within_seconds=60)


def test_an_open_breaker_is_shown(visitor: Visitor, clip: Path) -> None:
    world, page = visitor.world, visitor.page
    world.faults(http_429=1)
    uploaded(world.client(), clip)
    page.get_by_role("link", name="Operations").click()

    page.get_by_text("Submissions are paused").wait_for(timeout=PATIENCE_MS)
    page.get_by_text("Submissions paused").wait_for()
    visitor.picture("1-breaker-open")
    world.faults(http_429=0)
    page.get_by_text("The conversion service accepts jobs.").wait_for(timeout=PATIENCE_MS)
    visitor.picture("2-all-is-well")


def test_a_user_without_the_scope_sees_an_explanation(browser: Browser, world: World, pictures: Path) -> None:
    with Visitor.arrived(browser, world, pictures) as stranger:
        stranger.page.get_by_text("No videos yet").wait_for()
        assert stranger.page.get_by_role("link", name="Operations").count() == 0
        stranger.page.goto(f"{stranger.web_url}/#/operations")
        stranger.page.get_by_text("Your token does not allow this").first.wait_for()
