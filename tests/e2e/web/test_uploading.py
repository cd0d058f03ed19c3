"""Uploads from a real browser: small files, and large ones over a connection that breaks."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, Request

from tests.e2e.uploads.world import World
from tests.e2e.web.pages import PATIENCE_MS, Visitor
from tests.e2e.web.tokens import token
from tests.support.eventually import eventually

# The speed of a good phone: 200 MB take about ten seconds, long enough to break the connection in the middle.
BYTES_PER_SECOND = 20_000_000
# Of 16 MiB each, but the last.
PARTS = 12


def test_a_small_file_is_sent_converted_and_played(visitor: Visitor, clip: Path) -> None:
    visitor.picture("1-empty")
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")
    visitor.picture("2-ready")

    assert "token" not in visitor.page.url
    visitor.card("clip").get_by_role("link", name="clip").click()
    visitor.play()
    eventually(lambda: visitor.current_time() > 1)
    visitor.picture("3-watching")


def test_two_hundred_megabytes_survive_a_lost_connection_and_a_reload(visitor: Visitor, large_clip: Path) -> None:
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(large_clip)
    eventually(lambda: len(stored_parts(visitor)) >= 1, within_seconds=60)

    visitor.context.set_offline(True)
    visitor.page.get_by_text("You are offline").first.wait_for()
    visitor.picture("1-line-down")
    stored = stored_parts(visitor)
    visitor.context.set_offline(False)
    visitor.slow_down(BYTES_PER_SECOND)
    eventually(lambda: stored_parts(visitor) > stored, within_seconds=60)
    before = stored_parts(visitor)
    assert len(before) < PARTS
    sent = SentParts(visitor)
    visitor.page.reload()
    visitor.page.get_by_text("Not finished yet").wait_for(state="hidden")
    visitor.wait_for_label("large", "Ready")
    visitor.picture("2-ready")

    assert sent.numbers
    assert not before & sent.numbers, "what storage had is not sent again"


def test_an_upload_asks_for_its_missing_file_and_resumes_with_it(
    browser: Browser, world: World, visitor: Visitor, large_clip: Path, clip: Path, pictures: Path
) -> None:
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(large_clip)
    eventually(lambda: len(stored_parts(visitor)) >= 2, within_seconds=60)
    remembered = visitor.context.storage_state()
    visitor.page.close()
    before = stored_parts(visitor)

    # The same device a day later: the page's storage is there, the file is not.
    with Visitor.arrived(browser, world, pictures, person=visitor.person, storage_state=remembered) as later:
        notice = later.page.locator("[data-unfinished='large.mp4']")
        notice.get_by_text(re.compile(r"MB of 191 MB are saved")).wait_for()
        later.picture("1-asks-for-the-file")
        notice.locator("input").set_input_files(clip)
        notice.get_by_text("This is a different file").wait_for()
        later.picture("2-another-file")
        sent = SentParts(later)
        notice.locator("input").set_input_files(large_clip)
        later.wait_for_label("large", "Ready")

    assert not before & sent.numbers


def test_a_paused_upload_waits_and_resumes(visitor: Visitor, large_clip: Path) -> None:
    page = visitor.page
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(large_clip)
    eventually(lambda: visitor.percent("large") > 5, within_seconds=60)
    page.get_by_role("button", name="Pause").first.click()
    page.get_by_role("button", name="Resume").first.wait_for()
    visitor.picture("1-paused")
    page.get_by_role("button", name="Resume").first.click()

    visitor.wait_for_label("large", "Ready")


def test_a_cancelled_upload_is_deleted_by_the_service(visitor: Visitor, large_clip: Path) -> None:
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(large_clip)
    eventually(lambda: visitor.percent("large") > 5, within_seconds=60)
    video_id = visitor.video_id("large")
    visitor.card("large").get_by_role("button", name="Cancel: large").click()

    visitor.card("large").wait_for(state="detached")
    eventually(lambda: visitor.person.call("GET", f"/videos/{video_id}", expected=200)["deleted_at"])
    visitor.page.reload()
    visitor.page.get_by_text("No videos yet").wait_for()
    assert visitor.page.locator("[data-unfinished]").count() == 0


def test_a_file_that_is_not_a_video_ends_with_advice(visitor: Visitor, not_a_video: Path) -> None:
    visitor.choose(not_a_video)
    advice = visitor.card("holiday").get_by_text("Delete this video and upload another file")

    advice.wait_for(timeout=PATIENCE_MS)
    visitor.picture("refused")


def test_an_obstacle_is_shown_until_it_is_resolved(visitor: Visitor, clip: Path, tmp_path: Path) -> None:
    page, notes = visitor.page, tmp_path / "notes.txt"
    visitor.open(token(visitor.world, f"{visitor.user}-limited", seconds=600, uploads_per_hour=0))
    page.reload()
    visitor.choose(clip)
    said = page.get_by_text("your hourly upload limit")
    said.wait_for()
    with page.expect_request(lambda request: request.method == "POST" and request.url.endswith("/videos")):
        page.get_by_role("button", name="Try again: clip").click()
    said.wait_for()
    page.get_by_role("button", name="Cancel: clip").click()
    said.wait_for(state="detached")

    notes.write_text("no film")
    visitor.choose(notes)
    page.get_by_text("Only videos can be uploaded").wait_for()
    visitor.picture("not-taken")
    page.get_by_role("button", name="Close: notes.txt").click()
    page.get_by_text("Only videos can be uploaded").wait_for(state="detached")
    page.reload()
    page.get_by_text("No videos yet").wait_for()
    assert page.locator("[data-unfinished]").count() == 0


def test_a_file_chosen_twice_is_sent_once(visitor: Visitor, large_clip: Path) -> None:
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(large_clip)
    eventually(lambda: visitor.percent("large") > 0, within_seconds=60)
    visitor.page.get_by_role("button", name="Add more").click()
    visitor.choose(large_clip)
    visitor.page.get_by_text("“large.mp4” is already being sent").wait_for()
    visitor.picture("twice")

    visitor.wait_for_label("large", "Ready")
    assert len(visitor.person.call("GET", "/videos", expected=200)["videos"]) == 1


class SentParts:
    """The part numbers that a page sends from now on."""

    def __init__(self, visitor: Visitor) -> None:
        self.numbers: set[int] = set()
        visitor.page.on("request", self._see)

    def _see(self, request: Request) -> None:
        numbers = parse_qs(urlsplit(request.url).query).get("partNumber")
        if request.method == "PUT" and numbers:
            self.numbers.add(int(numbers[0]))


def stored_parts(visitor: Visitor) -> set[int]:
    """Return the part numbers in storage of the visitor's only video."""
    videos = visitor.person.call("GET", "/videos", expected=200)["videos"]
    held = [visitor.person.call("GET", f"/videos/{video['id']}/parts", expected=200)["parts"] for video in videos]
    return {part["part_number"] for parts in held for part in parts}


def test_a_video_is_added_from_a_link(visitor: Visitor, origin: str) -> None:
    page = visitor.page
    page.locator("summary", has_text="Add a video from a link").click()
    page.get_by_label("Address of the video file").fill(origin)
    page.get_by_role("button", name="Fetch the file").click()
    page.get_by_text("“clip” is being fetched").wait_for()
    visitor.picture("1-fetching")

    visitor.wait_for_label("clip", "Ready")
    assert page.get_by_label("Address of the video file").input_value() == ""


def test_a_link_that_may_not_be_read_is_named_and_stays_in_the_field(visitor: Visitor) -> None:
    page, link = visitor.page, "https://169.254.169.254/cats.mp4"
    page.locator("summary", has_text="Add a video from a link").click()
    page.get_by_label("Address of the video file").fill(link)
    page.get_by_role("button", name="Fetch the file").click()
    page.get_by_role("alert").filter(has_text="the address").wait_for()

    assert page.get_by_label("Address of the video file").input_value() == link
    assert visitor.person.client.page().videos == ()
