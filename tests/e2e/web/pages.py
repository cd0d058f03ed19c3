"""A user's actions on the page, and what the page shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize

from devstack.page import remembered
from tests.e2e.uploads.world import Person, World
from tests.support.eventually import eventually

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
# Long enough for a transcode on a busy machine.
PATIENCE_MS = 60_000


@dataclass
class Visitor:
    """A signed-in user with a browser context."""

    world: World
    person: Person
    context: BrowserContext
    page: Page
    pictures: Path
    # These must stay empty: failed scripts, violations of the page's policy, requests to other hosts.
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def arrived(
        cls, browser: Browser, world: World, pictures: Path, *, viewport: ViewportSize = PHONE, **options: Any
    ) -> Iterator["Visitor"]:
        """Open the page with a token in its address."""
        assert remembered(world.stack.paths), "the page could not be built; `make up` says why"
        person = options.pop("person", None) or world.person(is_admin=options.pop("is_admin", False))
        context = browser.new_context(viewport=viewport, **options)
        context.set_default_timeout(20_000)
        page = context.new_page()
        visitor = cls(world, person, context, page, pictures)
        visitor.listen(page)
        try:
            visitor.open()
            yield visitor
        finally:
            context.close()
        assert not visitor.complaints, "\n".join(visitor.complaints)

    def listen(self, page: Page) -> None:
        """Record a page's errors and the hosts of its requests."""
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", lambda line: self._hear(line.type, line.text))
        page.on("request", lambda request: self._see(request.url))

    def open(self, token: str | None = None) -> None:
        """Open the page as `make demo` prints it, and agree to sign in if the page asks."""
        token = token or self.person.token
        self.page.goto(f"{self.web_url}/#token={token}")
        subject = subject_of(token)
        offer = self.page.get_by_role("button", name=f"Sign in as {subject}", exact=True)
        offer.or_(self.page.get_by_title(subject, exact=True)).first.wait_for()
        if offer.is_visible():
            offer.click()

    @property
    def web_url(self) -> str:
        """Return the page's URL."""
        return self.world.described.web_url

    @property
    def user(self) -> str:
        """Return the signed-in user."""
        return subject_of(self.person.token)

    def choose(self, *paths: Path) -> None:
        """Choose files to upload."""
        self.page.locator(".uppy-Dashboard-input").first.set_input_files(list(paths))

    def card(self, title: str) -> Locator:
        """Return the card of a video in the list."""
        return self.page.locator("li.card").filter(has=self.page.get_by_role("heading", name=title, exact=True))

    def wait_for_label(self, title: str, label: str) -> None:
        """Wait until a video is in a state."""
        self.card(title).locator(".badge", has_text=label).wait_for(timeout=PATIENCE_MS)

    def video_id(self, title: str) -> str:
        """Return the id of a video in the list."""
        video_id = self.card(title).get_attribute("data-video")
        assert video_id is not None
        return video_id

    def watched_id(self) -> str:
        """Return the id of the video on the screen."""
        return self.page.url.rpartition("/")[2]

    def percent(self, title: str) -> int:
        """Return the percentage that the page shows as sent, 0 while it shows none."""
        bar = self.card(title).get_by_role("progressbar")
        return int(bar.get_attribute("aria-valuenow") or 0) if bar.count() else 0

    def slow_down(self, bytes_per_second: int) -> None:
        """Limit the page's upload speed from now on."""
        session = self.context.new_cdp_session(self.page)
        session.send("Network.enable")
        limits = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": bytes_per_second}
        session.send("Network.emulateNetworkConditions", limits)

    def play(self) -> None:
        """Press play until the video plays."""
        # No promise of the page is awaited: one that it never settles would hang the test. And a play() before the
        # player has attached its source is aborted by the attaching.
        press = """video => {
            video.muted = true;
            if (video.paused && video.readyState >= HTMLMediaElement.HAVE_METADATA) video.play().catch(() => undefined);
            return !video.paused && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
        }"""
        eventually(lambda: bool(self.page.locator("video").evaluate(press)))

    def current_time(self) -> float:
        """Return the player's position in seconds."""
        seconds: float = self.page.locator("video").evaluate("video => video.currentTime")
        return seconds

    def picture_height(self) -> int:
        """Return the height of the playing video in pixels."""
        lines: int = self.page.locator("video").evaluate("video => video.videoHeight")
        return lines

    def picture(self, name: str) -> None:
        """Take a screenshot of the whole page."""
        self.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)

    def _hear(self, kind: str, text: str) -> None:
        # The browser itself logs refused calls and lost connections there.
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(f"console: {text}")

    def _see(self, url: str) -> None:
        allowed = (self.web_url, self.world.described.s3.endpoint, "blob:", "data:")
        if not url.startswith(allowed):
            self.complaints.append(f"a request elsewhere: {url}")


def subject_of(token: str) -> str:
    """Return the user that a token is for."""
    subject: str = jwt.decode(token, options={"verify_signature": False})["sub"]
    return subject
