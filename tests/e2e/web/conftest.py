"""A browser, a signed-in visitor, and a directory for screenshots."""

import re
import struct
import subprocess
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from devstack.page import WEBUI_DIR
from devstack.paths import PROJECT_DIR
from tests.e2e.uploads.world import World
from tests.e2e.web.browser import running_browser
from tests.e2e.web.pages import Visitor
from tests.support.clips import a_clip

LARGE_BYTES = 200_000_000
_PICTURES = PROJECT_DIR / ".local" / "screenshots"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests, each of which has its own context."""
    with running_browser() as running:
        yield running


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """The directory for screenshots, which is kept."""
    directory = _PICTURES / re.sub(r"\W+", "-", request.node.name).strip("-")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture(scope="session")
def large_clip(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip with a box after it that players skip: 200 MB, most of them a hole in the file."""
    path, content = tmp_path_factory.mktemp("large") / "large.mp4", clip.read_bytes()
    with path.open("wb") as file:
        file.write(content + struct.pack(">I4s", LARGE_BYTES - len(content), b"free"))
        file.truncate(LARGE_BYTES)
    return path


@pytest.fixture(scope="session")
def sharp_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four seconds of 720p: three renditions, and time to switch between them."""
    path = tmp_path_factory.mktemp("sharp") / "sharp.mp4"
    return a_clip(path, size="1280x720", rate=10, seconds=24, sound=False)


@pytest.fixture(scope="session")
def elements(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The web components, built as the example app says."""
    built = tmp_path_factory.mktemp("elements")
    command = ["npm", "run", "--silent", "build:elements", "--", "--outDir", str(built), "--emptyOutDir"]
    done = subprocess.run(command, cwd=WEBUI_DIR, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return built


@pytest.fixture
def visitor(browser: Browser, world: World, pictures: Path) -> Iterator[Visitor]:
    """A new user on a phone."""
    with Visitor.arrived(browser, world, pictures) as arrived:
        yield arrived


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a screenshot when a test fails."""
    report = yield
    visitor = getattr(item, "funcargs", {}).get("visitor")
    if report.when == "call" and report.failed and isinstance(visitor, Visitor):
        # An error in here would end the whole run, and a browser that died is itself what failed.
        with suppress(PlaywrightError):
            visitor.picture("as-it-failed")
    return report
