"""Tokens that are missing, refused, or expire in the middle of an upload."""

from pathlib import Path

from playwright.sync_api import Page

from tests.e2e.web.pages import Visitor
from tests.e2e.web.tokens import LEEWAY_SECONDS, token
from tests.support.eventually import eventually

BYTES_PER_SECOND = 20_000_000


def test_an_expired_token_is_requested_again_and_the_upload_resumes(visitor: Visitor, large_clip: Path) -> None:
    page, user = visitor.page, "an-expiring-user"
    visitor.open(token(visitor.world, user, seconds=8 - LEEWAY_SECONDS))
    page.reload()
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(large_clip)

    dialog = page.get_by_role("dialog", name="Your sign-in has expired")
    dialog.wait_for(timeout=60_000)
    visitor.picture("1-expired")
    paste(page, token(visitor.world, "somebody-else", seconds=600))
    dialog.get_by_text("“an-expiring-user” is signed in").wait_for()
    paste(page, token(visitor.world, user, seconds=600))
    dialog.wait_for(state="detached")

    visitor.wait_for_label("large", "Ready")


def test_without_a_token_the_page_asks_for_one(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_role("button", name="Sign out").click()
    dialog = page.get_by_role("dialog", name="Sign in")
    dialog.wait_for()
    visitor.picture("1-sign-in")
    paste(page, "not a token")
    dialog.get_by_text("This is not a token").wait_for()
    paste(page, visitor.person.token)

    page.get_by_text("No videos yet").wait_for()
    page.reload()
    page.get_by_text("No videos yet").wait_for()


def test_a_token_leaves_the_address_at_once_and_is_kept_for_this_tab(visitor: Visitor) -> None:
    visitor.page.get_by_text("No videos yet").wait_for()
    kept = visitor.page.evaluate("[Object.values(sessionStorage), Object.values(localStorage), document.cookie]")

    assert visitor.page.url == f"{visitor.web_url}/"
    assert kept == [[visitor.person.token], [], ""]


def test_a_link_signs_in_only_after_consent(visitor: Visitor) -> None:
    page = visitor.page
    page.get_by_text("No videos yet").wait_for()
    stranger = f"{visitor.user}-stranger"
    page.goto(f"{visitor.web_url}/#token={token(visitor.world, stranger, seconds=600)}")
    dialog = page.get_by_role("dialog", name=f"Sign in as “{stranger}”?")
    dialog.get_by_role("button", name="Not now").click()
    dialog.wait_for(state="detached")

    page.get_by_title(visitor.user, exact=True).wait_for()
    assert page.evaluate("Object.values(sessionStorage)") == [visitor.person.token]
    assert page.url == f"{visitor.web_url}/"


def test_a_malformed_link_leaves_the_page_usable(visitor: Visitor) -> None:
    visitor.page.goto(f"{visitor.web_url}/#token=%E0%A4%A")
    visitor.page.reload()
    visitor.page.get_by_text("No videos yet").wait_for()
    assert visitor.page.url == f"{visitor.web_url}/"


def test_a_limit_is_explained_and_the_upload_can_be_retried(visitor: Visitor, clip: Path) -> None:
    world, page = visitor.world, visitor.page
    user = f"{visitor.user}-limited"
    visitor.open(token(world, user, seconds=600, uploads_per_hour=0))
    page.reload()
    visitor.choose(clip)
    page.get_by_text("your hourly upload limit").first.wait_for()
    visitor.picture("1-limit")

    page.evaluate("([key, value]) => sessionStorage.setItem(key, value)", ["token", token(world, user, seconds=600)])
    page.reload()
    visitor.wait_for_label("clip", "Ready")


def paste(page: Page, pasted: str) -> None:
    """Enter a token in the dialog."""
    field = page.get_by_label("Token")
    field.fill(pasted)
    eventually(lambda: field.input_value() == pasted)
    page.get_by_role("dialog").locator("button[type=submit]").click()
