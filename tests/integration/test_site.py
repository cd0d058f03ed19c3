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
# Loaded only by /docs.
DOCS = re.compile(r"docs\.html|assets/(?:docs|swagger-ui)[.-]")
PAGE_BUDGET, PLAYER_BUDGET, DOCS_BUDGET, WATCH_BUDGET = 350 * KB, 220 * KB, 520 * KB, 200 * KB
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
    docs = sum(size for name, size in sizes.items() if DOCS.match(name))
    rest = sum(sizes.values()) - player - docs

    assert player > 50 * KB, "the player is a file of its own"
    assert docs > 300 * KB, "the docs are files of their own"
    assert rest <= PAGE_BUDGET
    assert player <= PLAYER_BUDGET
    assert docs <= DOCS_BUDGET
    stated = [int(number) * KB for number in re.findall(r"(?<!apart) \| (\d+) KB \| \d+ KB \|", _docs())]
    assert [rest, player, docs] == [pytest.approx(number, rel=TOLERANCE) for number in stated]


@pytest.mark.parametrize("name", ["index.html", "docs.html", "watch.html"])
def test_the_page_holds_nothing_that_its_policy_would_refuse(page: Path, name: str) -> None:
    index = (page / name).read_text()

    assert re.findall(r"<script(?![^>]*\bsrc=)", index) == []
    assert "<style" not in index
    assert "style=" not in index
    assert not re.search(r"\son\w+=", index)
    assert {link for link in re.findall(r'(?:src|href)="([^"]+)"', index) if not link.startswith("/")} == set()


def test_the_page_without_the_docs_loads_nothing_of_them(page: Path) -> None:
    linked = re.findall(r'(?:src|href)="/([^"]+)"', (page / "index.html").read_text())

    assert linked
    assert [name for name in linked if DOCS.match(name)] == []


def test_the_page_for_viewers_is_small_before_play_and_the_docs_say_its_size(page: Path) -> None:
    watch = (page / "watch.html").read_text()
    linked = set(re.findall(r'(?:src|href)="/([^"]+)"', watch))
    size = sum(len(gzip.compress((page / name).read_bytes())) for name in {*linked, "watch.html"})

    assert any(name.endswith(".js") for name in linked)
    assert [name for name in linked if PLAYER.match(name) or DOCS.match(name)] == []
    assert size <= WATCH_BUDGET
    (stated,) = re.findall(r"before play, its picture apart \| (\d+) KB \| 200 KB", _docs())
    assert size == pytest.approx(int(stated) * KB, rel=TOLERANCE)


def _files(page: Path) -> list[Path]:
    return [path for path in page.rglob("*") if path.is_file()]


def _docs() -> str:
    return (PROJECT_DIR / "docs" / "web.md").read_text()
