"""What people see who have only the address of a video."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.e2e.uploads.world import World, uploaded
from tests.e2e.web.pages import DESKTOP, Visitor
from tests.support.eventually import eventually

BUDGET_BYTES = 200 * 1024


def ready(visitor: Visitor, clip: Path) -> str:
    """Upload a clip as the visitor, and return its id once it plays."""
    video_id = uploaded(visitor.person.client, clip)
    eventually(lambda: visitor.person.client.video(video_id).is_playable, within_seconds=60)
    return video_id


def plays(page: Page | Frame) -> None:
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


@pytest.fixture
def site() -> Iterator["Site"]:
    """Another site: a real server, because browsers let no page without an address into this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Site(server)
        server.shutdown()


def test_another_site_frames_the_player_and_not_the_page(
    visitor: Visitor, browser: Browser, world: World, site: "Site", clip: Path
) -> None:
    video_id = ready(visitor, clip)
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    base = world.described.web_url
    frames = "".join(f'<iframe name="{name}" src="{base}/{name}/{video_id}"></iframe>' for name in ("embed", "watch"))
    page.goto(site.showing(frames))
    embedded, refused = page.frame(name="embed"), page.frame(name="watch")
    assert embedded is not None
    assert refused is not None
    plays(embedded)
    assert refused.locator("main").count() == 0

    def is_shown(sites: list[str]) -> bool:
        visitor.person.client.describe(video_id, embed_origins=sites)
        # Browsers keep the page for ten seconds under each address.
        source = f"{base}/embed/{video_id}?{len(sites)}"
        page.goto(site.showing(f'<iframe name="embed" src="{source}"></iframe>'), wait_until="networkidle")
        frame = page.frame(name="embed")
        return frame is not None and frame.locator("main").count() == 1

    assert not is_shown([])
    assert is_shown([site.origin, "https://www.example.com"])
    assert not is_shown(["https://www.example.com"])
    context.close()


class Handler(BaseHTTPRequestHandler):
    """Serves one page."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


class Site:
    """A running site."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._port = server.server_address[1]

    @property
    def origin(self) -> str:
        """Return the site's origin, as browsers send it."""
        return f"http://127.0.0.1:{self._port}"

    def showing(self, content: str) -> str:
        """Return the address of a page with this content."""
        Handler.content = content.encode()
        return f"{self.origin}/"
