"""A browser, somebody who is signed in, and a place for pictures."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from devstack.place import PROJECT_DIR
from tests.e2e.uploads.conftest import clip, not_a_video, world  # noqa: F401  fixtures
from tests.e2e.uploads.world import World
from tests.e2e.web.browser import running_browser
from tests.e2e.web.pages import Visitor

_PICTURES = PROJECT_DIR / ".local" / "screenshots"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each has a context of its own."""
    with running_browser() as running:
        yield running


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """The directory for what a test shows, kept after it."""
    directory = _PICTURES / re.sub(r"\W+", "-", request.node.name).strip("-")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
def visitor(browser: Browser, world: World, pictures: Path) -> Iterator[Visitor]:  # noqa: F811
    """Somebody with a new token and a phone."""
    with Visitor.arrived(browser, world, pictures) as arrived:
        yield arrived
