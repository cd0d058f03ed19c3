"""Lives while submissions are denied: the upload waits visibly, and neither money nor an attempt is spent."""

from dataclasses import replace
from itertools import pairwise

from controller.coconut.limiter import SubmissionLimits
from domain.records import AttemptState
from domain.video import Phase, Reason
from tests.support.fakes.transcoder import Answer, Script
from tests.support.world.endings import a_world, assert_ends_ready
from tests.support.world.limiter import take_the_only_turn
from tests.support.world.operator import live
from tests.support.world.world import VIDEO_ID, WIDE, InMemoryWorld

OTHER_ID = "anothervideoanothervideoan"
TEN_MINUTES = 600.0


def reasons(world: InMemoryWorld) -> list[Reason]:
    return [event.reason for event in world.records.history(VIDEO_ID)]


def test_an_upload_waits_while_as_many_jobs_run_as_are_allowed() -> None:
    world = InMemoryWorld(limits=replace(WIDE, max_running=1))
    world.create()
    world.send_file()
    other = world.row
    busy = replace(other.observed, phase=Phase.PROCESSING, reason=Reason.TRANSCODING)
    world.records.rows[OTHER_ID] = replace(other, desired=replace(other.desired, video_id=OTHER_ID), observed=busy)
    attempts_at_the_gate: set[int] = set()

    def look() -> None:
        if world.row.observed.reason is Reason.WAITING_FOR_CAPACITY:
            attempts_at_the_gate.add(len(world.records.attempts))
        if world.clock.monotonic() > TEN_MINUTES:
            world.records.rows.pop(OTHER_ID, None)
            world.resources.remove(OTHER_ID)  # a row is made anew from a signed resource

    live(world, meanwhile=look)
    assert attempts_at_the_gate == {0}
    assert_ends_ready(world)


def test_submissions_pause_while_the_provider_fails_and_use_no_attempt() -> None:
    world = a_world(Script([Answer.BUSY] * 6))
    live(world)
    history = reasons(world)
    assert Reason.SUBMISSIONS_PAUSED in history
    status = world.resources.by_name[VIDEO_ID].status or {}
    assert status["work"]["attempt"] == 1
    assert [attempt.state for attempt in world.records.attempts.values()] == [AttemptState.COMPLETED]
    assert_ends_ready(world)


def test_a_pause_is_written_once_however_long_it_lasts() -> None:
    world = a_world(Script([Answer.BUSY] * 12))
    live(world)
    history = reasons(world)
    assert (Reason.SUBMISSIONS_PAUSED,) * 2 not in set(pairwise(history))
    assert_ends_ready(world)


def test_submissions_that_come_too_fast_wait() -> None:
    world = InMemoryWorld(limits=SubmissionLimits(max_running=10, per_minute=1, burst=1))
    world.create()
    world.send_file()
    take_the_only_turn(world)
    live(world)
    assert Reason.WAITING_FOR_CAPACITY in reasons(world)
    assert_ends_ready(world)
