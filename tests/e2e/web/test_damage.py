"""Storage refuses damaged bytes, and the page sends them again; a file that changes is not sent at all."""

import re
import struct
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Request, Response, Route

from tests.e2e.web.pages import Visitor
from tests.support.eventually import eventually

PART_BYTES = 16 * 1024**2
# Two parts, of which the test intercepts the small second one.
LONG_BYTES = PART_BYTES + 1_000_000
BYTES_PER_SECOND = 4_000_000
# The part number of a file that is sent in one piece.
WHOLE = 0


@pytest.fixture
def long_clip(clip: Path, tmp_path: Path) -> Path:
    """The clip with a box of random bytes after it that players skip."""
    path, content = tmp_path / "long.mp4", clip.read_bytes()
    free_bytes = LONG_BYTES - len(content)
    path.write_bytes(content + struct.pack(">I4s", free_bytes, b"free") + Random(0).randbytes(free_bytes - 8))
    return path


def test_a_damaged_part_is_refused_and_sent_again(visitor: Visitor, long_clip: Path) -> None:
    damage = Damage(visitor, long_clip.read_bytes()[PART_BYTES:], part=2)
    visitor.choose(long_clip)
    visitor.wait_for_label("long", "Ready")

    assert damage.statuses == [400, 200]
    assert visitor.world.original(visitor.video_id("long")) == long_clip.read_bytes()


def test_a_damaged_small_file_is_refused_and_sent_again(visitor: Visitor, clip: Path) -> None:
    damage = Damage(visitor, clip.read_bytes(), part=WHOLE)
    visitor.choose(clip)
    visitor.wait_for_label("clip", "Ready")

    assert damage.statuses == [400, 200]
    assert visitor.world.original(visitor.video_id("clip")) == clip.read_bytes()


def test_a_file_that_changes_while_it_is_sent_must_be_chosen_again(visitor: Visitor, long_clip: Path) -> None:
    page, film = visitor.page, long_clip.read_bytes()
    visitor.slow_down(BYTES_PER_SECOND)
    visitor.choose(long_clip)
    eventually(lambda: visitor.percent("long") > 5)
    page.get_by_role("button", name="Pause").first.click()
    long_clip.write_bytes(film[:-1])
    page.get_by_role("button", name="Resume").first.click()

    notice = page.locator("[data-unfinished='long.mp4']")
    notice.get_by_text("The file can no longer be read").wait_for()
    visitor.picture("1-changed")
    notice.locator("input").set_input_files(long_clip)
    notice.get_by_text("This is a different file").wait_for()
    notice.get_by_role("button", name="Discard").click()
    page.get_by_text("No videos yet").wait_for()
    visitor.choose(long_clip)
    visitor.wait_for_label("long", "Ready")


class Damage:
    """Flips a bit of a part, once. ``statuses`` are storage's responses to that part."""

    def __init__(self, visitor: Visitor, sent: bytes, *, part: int) -> None:
        self.statuses: list[int] = []
        self._damaged = bytes([*sent[:-1], sent[-1] ^ 1])
        self._part = part
        self._is_done = False
        visitor.page.route(re.compile("^" + re.escape(visitor.world.described.s3.endpoint)), self._pass_on)
        visitor.page.on("response", self._see)

    def _pass_on(self, route: Route) -> Any:
        if self._is_done or not self._is_meant(route.request):
            return route.continue_()
        self._is_done = True
        return route.continue_(post_data=self._damaged)

    def _see(self, response: Response) -> None:
        if self._is_meant(response.request):
            self.statuses.append(response.status)

    def _is_meant(self, request: Request) -> bool:
        return request.method == "PUT" and number_of(request) == self._part


def number_of(request: Request) -> int:
    """Return the part number of a request."""
    return int(parse_qs(urlsplit(request.url).query).get("partNumber", [WHOLE])[0])
