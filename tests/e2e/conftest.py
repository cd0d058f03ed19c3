"""A whole stack for tests: real servers and the services, with all durations of the services shortened.

Tests may kill and stop any part: before each test every part that does not run is started again.
"""

from collections.abc import Generator, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from devstack.paths import Paths
from devstack.stack import Stack
from tests.e2e.clips import CLIP_SECONDS
from tests.e2e.options import OPTIONS
from tests.e2e.uploads.world import World
from tests.support.clips import a_clip

_SHOWN_LINES = 40
_stacks: list[Stack] = []


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of this session."""
    stack = Stack(Paths(tmp_path_factory.mktemp("stack")))
    _stacks.append(stack)
    try:
        stack.up(OPTIONS)
        yield stack
    finally:
        stack.down()
        _stacks.remove(stack)


@pytest.fixture
def stack(session_stack: Stack) -> Iterator[Stack]:
    """The stack with all parts running and no faults in the Coconut stand-in."""
    running = session_stack.up(OPTIONS)
    faults = f"{running.coconut.url.removesuffix('/v2')}/_faults"
    requests.delete(faults, timeout=5).raise_for_status()
    yield session_stack
    session_stack.start("coconut")
    requests.delete(faults, timeout=5).raise_for_status()


@pytest.fixture
def world(stack: Stack) -> World:
    """The running stack, without faults."""
    return World(stack)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 360p with a tone: one rendition, transcoded quickly."""
    return a_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", rate=15, seconds=CLIP_SECONDS)


@pytest.fixture
def origin(clip: Path) -> Iterator[str]:
    """The URL of the clip on a server of this machine."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(clip.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/{clip.name}?key=secret"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def not_a_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text under a video's name."""
    path = tmp_path_factory.mktemp("text") / "holiday.mp4"
    path.write_text("Dear diary, today I did not record a video.\n" * 100)
    return path


@pytest.fixture(scope="session")
def captions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """German captions in SubRip; the name says the language."""
    path = tmp_path_factory.mktemp("captions") / "clip.de.srt"
    path.write_text("1\n00:00:00,000 --> 00:00:09,000\nHallo & < Welt\n", encoding="utf-8")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of all logs under a failed test, of operators that it started itself too."""
    report = yield
    if report.failed and "stack" in getattr(item, "fixturenames", ()):
        for stack in _stacks:
            for log in stack.paths.logs():
                report.sections.append((f"log of {log.stem}", stack.paths.process(log.stem).last_lines(_SHOWN_LINES)))
    return report
