"""The page as it is built and served: its size, and its compliance with its own policy."""

import gzip
import os
import re
from pathlib import Path

import pytest

from devstack.page import built_page
from devstack.paths import PROJECT_DIR

KB = 1024
# Loaded only with the first playback.
PLAYER = re.compile(r"assets/hls[.-]")
PAGE_BUDGET, PLAYER_BUDGET = 350 * KB, 220 * KB
# The number in the docs may be off by this.
TOLERANCE = 0.1


@pytest.fixture(scope="module")
def page() -> Path:
    """The built page; a machine without Node fails here with what to install."""
    built = built_page(print, os.environ | {"CI": "true"})
    assert built is not None
    return built


def test_the_page_stays_within_its_budget_and_the_docs_say_its_size(page: Path) -> None:
    sizes = {path.relative_to(page).as_posix(): len(gzip.compress(path.read_bytes())) for path in _files(page)}
    player = sum(size for name, size in sizes.items() if PLAYER.match(name))
    rest = sum(sizes.values()) - player

    assert player > 50 * KB, "the player is a file of its own"
    assert rest <= PAGE_BUDGET
    assert player <= PLAYER_BUDGET
    stated = [int(number) * KB for number in re.findall(r"\| (\d+) KB \| \d+ KB \|", _docs())]
    assert [rest, player] == [pytest.approx(number, rel=TOLERANCE) for number in stated]


def test_the_page_holds_nothing_that_its_policy_would_refuse(page: Path) -> None:
    index = (page / "index.html").read_text()

    assert re.findall(r"<script(?![^>]*\bsrc=)", index) == []
    assert "<style" not in index
    assert "style=" not in index
    assert not re.search(r"\son\w+=", index)
    assert {link for link in re.findall(r'(?:src|href)="([^"]+)"', index) if not link.startswith("/")} == set()


def _files(page: Path) -> list[Path]:
    return [path for path in page.rglob("*") if path.is_file()]


def _docs() -> str:
    return (PROJECT_DIR / "docs" / "web.md").read_text()
