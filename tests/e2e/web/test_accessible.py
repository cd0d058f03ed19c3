"""Accessibility: axe finds nothing in both colour schemes and at both widths, on small screens and without motion."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.e2e.uploads.world import World, uploaded
from tests.e2e.web.accessibility import violations
from tests.e2e.web.pages import DESKTOP, PATIENCE_MS, PHONE, Visitor
from tests.e2e.web.tokens import token
from tests.support.eventually import eventually

BYTES_PER_SECOND = 5_000_000


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    """The user's colour scheme."""
    return str(request.param)


@pytest.fixture(params=[PHONE, DESKTOP], ids=["360px", "1280px"])
def visitor(
    browser: Browser, world: World, pictures: Path, scheme: str, request: pytest.FixtureRequest
) -> Iterator[Visitor]:
    """An administrator, who sees every view, with reduced motion."""
    viewport: ViewportSize = request.param
    options = {"color_scheme": scheme, "reduced_motion": "reduce", "is_admin": True}
    with Visitor.arrived(browser, world, pictures, viewport=viewport, **options) as arrived:
        yield arrived


def test_every_view_of_an_upload_is_accessible(
    visitor: Visitor, clip: Path, large_clip: Path, not_a_video: Path, captions: Path
) -> None:
    world, page, check = visitor.world, visitor.page, checker(visitor)
    page.get_by_text("No videos yet").wait_for()
    page.locator("summary", has_text="Add a video from a link").click()
    check("1-empty")

    visitor.choose(clip, not_a_video)
    visitor.wait_for_label("clip", "Ready")
    visitor.wait_for_label("holiday", "Refused")
    world.faults(fail=1)
    failed = uploaded(visitor.person.client, clip)
    eventually(lambda: visitor.person.client.video(failed).status == "errored", within_seconds=60)
    page.reload()
    page.get_by_text("Failed", exact=True).nth(1).wait_for()
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(large_clip)
    eventually(lambda: visitor.percent("large") > 0, within_seconds=60)
    check("2-videos")

    page.context.set_offline(True)
    page.get_by_text("You are offline").first.wait_for()
    check("3-line-down")
    page.context.set_offline(False)

    page.get_by_role("link", name="Operations").click()
    page.locator(f"[data-letter='{failed}']").wait_for()
    check("4-operations")

    page.get_by_role("link", name="My videos").click()
    visitor.card("clip").filter(has_text="Ready").get_by_role("link", name="clip").click()
    page.get_by_label("Quality").wait_for()
    page.locator("summary", has_text="History").click()
    page.locator(".events li").first.wait_for()
    page.locator("summary", has_text="Change title, visibility or sites").click()
    page.locator("summary", has_text="Change the poster").click()
    page.locator("summary", has_text="Add or replace captions").click()
    page.get_by_label("File (WebVTT or SubRip)").set_input_files(captions)
    page.get_by_role("button", name="Save the captions").click()
    page.locator("[data-language='de']").get_by_text("Published").wait_for(timeout=PATIENCE_MS)
    check("5-watch")

    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("dialog", name="Sign in").wait_for()
    check("6-sign-in")


def test_waiting_videos_are_accessible(visitor: Visitor, clip: Path) -> None:
    world, page, check = visitor.world, visitor.page, checker(visitor)
    world.faults(hold=1)
    visitor.choose(clip)
    page.get_by_role("progressbar", name="Converting: clip").wait_for(timeout=PATIENCE_MS)
    check("1-converting")
    world.faults(hold=0)
    visitor.wait_for_label("clip", "Ready")

    page.get_by_role("link", name="clip", exact=True).click()
    page.get_by_role("button", name="Convert again").click()
    page.get_by_role("dialog").wait_for()
    check("2-convert-again")
    world.faults(hold=1)
    page.get_by_role("dialog").get_by_role("button", name="Convert again").click()
    page.get_by_role("progressbar", name="Newer conversion of clip").wait_for(timeout=PATIENCE_MS)
    check("3-newer-conversion")
    world.faults(hold=0)
    page.get_by_text("A new conversion is ready.").wait_for(timeout=PATIENCE_MS)
    check("4-newer-conversion-ready")

    world.faults(http_429=1)
    uploaded(visitor.person.client, clip)
    page.get_by_role("link", name="My videos").first.click()
    page.reload()
    page.get_by_text("The conversion service has problems").wait_for(timeout=PATIENCE_MS)
    check("5-held-back")
    page.get_by_role("link", name="Operations").click()
    page.get_by_text("Submissions are paused").wait_for(timeout=PATIENCE_MS)
    check("6-operations-with-failures")
    world.faults(http_429=0)


def test_refusals_and_deletions_are_accessible(visitor: Visitor, clip: Path, large_clip: Path) -> None:
    world, page, check = visitor.world, visitor.page, checker(visitor)
    world.faults(fail=1)
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Failed")
    check("1-failed")
    visitor.card("clip").get_by_role("link", name="clip").click()
    page.get_by_role("button", name="Try again").wait_for()
    check("2-failed-alone")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Deleted").click()
    visitor.card("clip").get_by_role("button", name="Restore: clip").wait_for()
    check("3-deleted")

    page.get_by_role("button", name="All").click()
    visitor.open(token(world, visitor.user, seconds=600, uploads_per_hour=0))
    page.reload()
    visitor.choose(large_clip)
    page.get_by_text("your hourly upload limit").first.wait_for()
    check("4-limit")
    page.get_by_role("button", name="Try again: large").wait_for()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token").fill("nonsense")
    page.get_by_role("dialog").locator("button[type=submit]").click()
    page.get_by_text("This is not a token").wait_for()
    check("5-not-a-token")


def test_reduced_motion_leaves_nothing_moving(visitor: Visitor) -> None:
    visitor.page.get_by_text("No videos yet").wait_for()
    moving = "[...document.querySelectorAll('*')].filter(e => parseFloat(getComputedStyle(e).transitionDuration) > 0)"

    assert visitor.page.evaluate(f"{moving}.length") == 0


def checker(visitor: Visitor) -> Callable[[str], None]:
    """Return a function that checks the page: accessibility rules, and that it fits the screen."""

    def check(name: str) -> None:
        visitor.picture(name)
        said = violations(visitor.page)
        assert not said, json.dumps(said, indent=1)
        width = visitor.page.viewport_size["width"] if visitor.page.viewport_size else 0
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= width, "it does not fit"

    return check
