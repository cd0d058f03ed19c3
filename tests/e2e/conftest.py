"""A whole stack for tests: real servers and the services, with all durations of the services shortened.

Tests may kill and stop any part: before each test every part that does not run is started again.
"""

from collections.abc import Generator, Iterator

import pytest
import requests

from devstack.options import StackOptions
from devstack.paths import Paths
from devstack.stack import Stack

# An upload may then take half an hour instead of a day, and a poll interval of 30 s becomes 0.6 s.
TIME_SCALE = 0.02

_SHOWN_LINES = 40
_stacks: list[Stack] = []


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of this session."""
    stack = Stack(Paths(tmp_path_factory.mktemp("stack")))
    _stacks.append(stack)
    try:
        stack.up(StackOptions(time_scale=TIME_SCALE))
        yield stack
    finally:
        stack.down()
        _stacks.remove(stack)


@pytest.fixture
def stack(session_stack: Stack) -> Iterator[Stack]:
    """The stack with all parts running and no faults in the Coconut stand-in."""
    running = session_stack.up(StackOptions(time_scale=TIME_SCALE))
    faults = f"{running.coconut.url.removesuffix('/v2')}/_faults"
    requests.delete(faults, timeout=5).raise_for_status()
    yield session_stack
    session_stack.start("coconut")
    requests.delete(faults, timeout=5).raise_for_status()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the ends of the services' logs under a failed test."""
    report = yield
    if report.failed and "stack" in getattr(item, "fixturenames", ()):
        for stack in _stacks:
            for name in ("api", "operator", "coconut"):
                report.sections.append((f"log of {name}", stack.paths.process(name).last_lines(_SHOWN_LINES)))
    return report
