"""`/docs` shows the OpenAPI document in a browser, and tries its calls as the user that the page has signed in."""

import json

from playwright.sync_api import Locator

from tests.e2e.web.pages import DESKTOP, Visitor
from tests.support.hostile.calls import CALLS
from webapi.http.problems import ProblemCode


def shown(visitor: Visitor) -> list[Locator]:
    """Open the docs, and return the block of each call."""
    visitor.page.set_viewport_size(DESKTOP)
    visitor.page.goto(f"{visitor.web_url}/docs")
    visitor.page.locator(".opblock").first.wait_for()
    return visitor.page.locator(".opblock").all()


def call(visitor: Visitor, method: str, path: str) -> Locator:
    """Return the block of one call."""
    summary = visitor.page.locator(f'.opblock-summary-path[data-path="{path}"]')
    return visitor.page.locator(f".opblock.opblock-{method.lower()}").filter(has=summary)


def tried(block: Locator) -> tuple[int, str]:
    """Try a call that is open, and return the status and the body of its response."""
    block.get_by_role("button", name="Execute").click()
    live = block.locator(".live-responses-table .response")
    live.wait_for()
    status = int(live.locator(".response-col_status").inner_text().split()[0])
    return status, live.locator(".microlight, .highlight-code code").first.inner_text()


def test_the_docs_show_every_call_and_every_problem(visitor: Visitor) -> None:
    blocks = shown(visitor)
    listed = {
        (
            block.locator(".opblock-summary-method").inner_text(),
            block.locator(".opblock-summary-path").get_attribute("data-path"),
        )
        for block in blocks
    }
    assert listed == {(call.method, call.template) for call in CALLS}

    text = ""
    for block in blocks:
        summary = block.locator(".opblock-summary-control")
        summary.click()
        text += block.locator(".responses-wrapper").inner_text()
        # Fifty open calls are slow to draw.
        summary.click()
    for code in (code for code in ProblemCode if code != ProblemCode.METHOD_NOT_ALLOWED):
        assert code in text
    visitor.picture("docs")


def test_a_call_is_tried_as_the_user_who_is_signed_in(visitor: Visitor) -> None:
    shown(visitor)
    visitor.page.get_by_text(f"Calls that you try are made as {visitor.user}").wait_for()

    create = call(visitor, "POST", "/api/v1/videos")
    create.locator(".opblock-summary-control").click()
    body = {"title": "Made in the docs", "filename": "cats.mp4", "content_type": "video/mp4"}
    create.locator("textarea").fill(json.dumps(body))
    status, answer = tried(create)
    assert status == 201
    assert "upload_url" in answer

    listed = call(visitor, "GET", "/api/v1/videos")
    listed.locator(".opblock-summary-control").click()
    status, answer = tried(listed)
    assert status == 200
    assert "Made in the docs" in answer
    assert [video.title for video in visitor.person.client.page().videos] == ["Made in the docs"]


def test_without_a_session_the_docs_say_how_to_sign_in(visitor: Visitor) -> None:
    visitor.page.evaluate("sessionStorage.clear()")
    shown(visitor)
    visitor.page.get_by_role("link", name="sign in on the page").wait_for()

    listed = call(visitor, "GET", "/api/v1/videos")
    listed.locator(".opblock-summary-control").click()
    assert tried(listed)[0] == 401
