"""The example app, which is made of the web components, in a real browser against the whole service."""

import json
import mimetypes
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from devstack.paths import PROJECT_DIR
from tests.e2e.web.accessibility import violations
from tests.e2e.web.pages import PATIENCE_MS, Visitor
from tests.support.eventually import eventually

APP = PROJECT_DIR / "examples" / "app"
EVENTS = ("video-created", "video-progress", "video-uploaded", "video-ready", "video-failed")


@pytest.fixture
def app(visitor: Visitor, elements: Path) -> Iterator[Page]:
    """The app, which its own server serves, with a token for its user."""

    def serve(route: Route) -> None:
        path = route.request.url.partition("/app/")[2].partition("?")[0] or "index.html"
        if path == "token":
            route.fulfill(body=visitor.person.token, content_type="text/plain")
            return
        file = elements / path.removeprefix("elements/") if path.startswith("elements/") else APP / path
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        route.fulfill(body=file.read_bytes(), content_type=kind)

    # A page whose server is played has no address, and may call this machine only by permission.
    visitor.context.grant_permissions(["local-network-access"], origin=visitor.web_url)
    page = visitor.context.new_page()
    visitor.listen(page)
    page.route(f"{visitor.web_url}/app/**", serve)
    page.goto(f"{visitor.web_url}/app/")
    listeners = "names => { window.heard = []; names.forEach(name => document.addEventListener(name, event => "
    page.evaluate(f"{listeners} heard.push([name, event.detail])))}}", list(EVENTS))
    yield page
    page.close()


def heard(page: Page, name: str) -> list[dict[str, object]]:
    """Return the details of all events of this name."""
    events: list[tuple[str, dict[str, object]]] = page.evaluate("heard")
    return [detail for said, detail in events if said == name]


def test_a_video_is_sent_and_plays_in_the_app(app: Page, visitor: Visitor, clip: Path) -> None:
    app.get_by_label("Your video").set_input_files(clip)
    app.get_by_text("“clip” is ready.").wait_for(timeout=PATIENCE_MS)

    (created,), (ready,) = heard(app, "video-created"), heard(app, "video-ready")
    assert created["videoId"] == ready["id"] == visitor.person.client.video(str(ready["id"])).id
    assert heard(app, "video-progress")
    assert heard(app, "video-failed") == []

    video = app.locator("video-stream video")
    assert video.get_attribute("aria-label") == "clip"
    assert str(video.get_attribute("poster")).endswith("/thumbnail.jpg")
    video.evaluate("video => { void video.play().catch(() => undefined); }")
    eventually(lambda: float(video.evaluate("video => video.currentTime")) > 0.2, within_seconds=60)

    said = violations(app)
    assert not said, json.dumps(said, indent=1)


def test_a_file_that_is_no_video_is_refused_with_a_sentence(app: Page, not_a_video: Path) -> None:
    app.get_by_label("Your video").set_input_files(not_a_video)
    app.get_by_role("alert").filter(has_text="video").wait_for(timeout=PATIENCE_MS)
    assert len(heard(app, "video-failed")) == 1
    assert heard(app, "video-ready") == []
    assert app.get_by_label("Your video").is_enabled()


def test_a_cancelled_upload_leaves_no_video(app: Page, visitor: Visitor, large_clip: Path) -> None:
    network = visitor.context.new_cdp_session(app)
    network.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 2_000_000}
    network.send("Network.emulateNetworkConditions", limits)
    app.get_by_label("Your video").set_input_files(large_clip)
    app.get_by_role("button", name="Cancel").click()
    app.get_by_text("Cancelled.").wait_for()
    assert heard(app, "video-failed") == []
    eventually(
        lambda: all(
            visitor.person.client.video(str(created["videoId"])).deleted_at for created in heard(app, "video-created")
        ),
        within_seconds=30,
    )


def test_a_component_that_is_taken_from_the_page_stops(app: Page, visitor: Visitor, clip: Path) -> None:
    app.get_by_label("Your video").set_input_files(clip)
    app.locator("video-stream").wait_for(timeout=PATIENCE_MS)
    app.evaluate("window.video = document.querySelector('video-stream').shadowRoot.querySelector('video')")
    eventually(lambda: app.evaluate("video.readyState > 0"))
    app.evaluate("document.querySelector('video-stream').remove(); document.querySelector('video-uploader').remove()")
    eventually(lambda: app.evaluate("video.readyState === 0 && !video.getAttribute('src')"))
    assert visitor.complaints == []
