"""The way of a video through its passes: what a pass derives, it derives once and hands on."""

import sys
from collections import Counter
from types import FrameType

import pytest

from controller.loop.cache import ResourceCache
from controller.loop.look import look
from controller.rules.machine import decide
from controller.rules.situation import situation_of
from domain.messages import present
from domain.records import Cause
from tests.support.fakes.resources import FakeResources
from tests.support.fakes.transcoder import Script
from tests.support.world.operator import Process
from tests.support.world.world import VIDEO_ID, InMemoryWorld

Calls = Counter[object]


def entered_by(process: Process) -> Calls:
    """Make one pass and count the functions that it enters, by their code."""
    calls: Calls = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            calls[frame.f_code] += 1

    sys.setprofile(count)
    try:
        process.step()
    finally:
        sys.setprofile(None)
    return calls


@pytest.fixture(scope="module")
def passes() -> list[Calls]:
    """Return what each pass of one life enters, in order."""
    world = InMemoryWorld(Script(job_seconds=1))
    world.create()
    world.resources.apply(world.row.desired)
    process = Process(world)
    process.begin()
    world.send_file()
    made = [entered_by(process)]
    world.resources.apply(world.records.confirm(VIDEO_ID).desired)
    process.queue.add(VIDEO_ID, Cause.CLIENT)
    while not world.is_at_rest():
        made.append(entered_by(process))
    return made


def test_a_pass_reads_the_cache_once(passes: list[Calls]) -> None:
    assert [calls[ResourceCache.begin.__code__] for calls in passes] == [1] * len(passes)


def test_the_look_and_the_decision_match_one_situation(passes: list[Calls]) -> None:
    for calls in passes:
        assert (calls[look.__code__], calls[decide.__code__]) == (1, 1)
        # The second is that of the row that the pass leaves: whether the next pass is due at once.
        assert calls[situation_of.__code__] <= 2


def test_words_are_chosen_once_for_each_status(passes: list[Calls]) -> None:
    statuses = [calls[FakeResources.write_status.__code__] for calls in passes]
    assert sum(statuses) > 2
    assert [calls[present.__code__] for calls in passes] == statuses
