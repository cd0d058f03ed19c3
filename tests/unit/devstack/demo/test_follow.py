"""Following a video prints each transition once, and ends when nothing changes for too long."""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from devstack.demo.errors import DemoError
from devstack.demo.follow import Followed, TransitionPrinter
from devstack.demo.history import Transition, seconds_by_phase
from tests.support.builders.client import a_video
from videoupload import Video, VideoFailure
from videoupload.progress_bar import Screen

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_transition(phase: str, seconds: float) -> Transition:
    return Transition(NOON + timedelta(seconds=seconds), phase, "Because", "poll", "a message")


LIFE = [
    a_transition("uploading", 0),
    a_transition("uploaded", 2),
    a_transition("processing", 2.5),
    a_transition("uploaded", 10),
    a_transition("processing", 40),
    a_transition("ready", 50),
]


class ScriptedApi:
    """An API and a history that go one step further at every look, and then stay."""

    def __init__(self, *steps: tuple[Video, Sequence[Transition]]) -> None:
        self._steps = iter(steps)
        self._now = steps[0]

    def video(self, _video_id: str) -> Video:
        self._now = next(self._steps, self._now)
        return self._now[0]

    def history(self, _video_id: str) -> Sequence[Transition]:
        return self._now[1]


def seconds_pass() -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += 1


def followed(api: ScriptedApi, out: io.StringIO) -> Followed:
    clock = seconds_pass()
    screen = Screen(out, is_terminal=False)
    follower = TransitionPrinter(
        api.video, api.history, lambda _: 40, screen, monotonic=lambda: next(clock), look_every_seconds=0
    )
    return follower.follow("v", patience_seconds=10)


def test_each_transition_is_printed_once_with_its_cause() -> None:
    out = io.StringIO()
    api = ScriptedApi(
        (a_video("uploading"), LIFE[:1]),
        (a_video("processing"), LIFE[:3]),
        (a_video("processing", progress=50), LIFE[:3]),
        (a_video("ready", progress=100), LIFE),
    )
    assert followed(api, out) == Followed(a_video("ready", progress=100), LIFE)
    lines = [line for line in out.getvalue().splitlines() if "cause: poll" in line]
    assert [line.split()[0] for line in lines] == ["0.0", "2.0", "2.5", "10.0", "40.0", "50.0"]


def test_the_bar_shows_the_higher_percentage() -> None:
    out = io.StringIO()
    api = ScriptedApi(
        (a_video("uploading"), LIFE[:1]),
        (a_video("processing", progress=0), LIFE[:3]),
        (a_video("processing", progress=90), LIFE[:3]),
        (a_video("ready", progress=100), LIFE),
    )
    followed(api, out)
    bars = [line.split()[1] for line in out.getvalue().splitlines() if line.startswith("transcoding")]
    assert bars == ["40", "90", "100"]


def test_a_refused_file_ends_the_following() -> None:
    error = VideoFailure(code="not_a_video", message="no", retryable=False, what_to_do="send one")
    api = ScriptedApi((a_video("uploading"), LIFE[:1]), (a_video("uploading", error=error), LIFE[:1]))
    assert followed(api, io.StringIO()).video.error == error


def test_a_video_that_stands_still_ends_the_demo_with_what_it_waits_for() -> None:
    api = ScriptedApi((a_video("uploading"), LIFE[:1]))
    with pytest.raises(DemoError, match=r"nothing changed for 10 s: .* uploading, waiting for a decision by the owner"):
        followed(api, io.StringIO())


def test_a_phase_entered_twice_counts_both_times() -> None:
    assert seconds_by_phase(LIFE) == {"uploading": 2, "uploaded": 30.5, "processing": 17.5}
