"""Whole lives: whatever is lost, repeated or killed, the end is the same and is paid for once."""

from collections import Counter
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.failures import FailureCode
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.world.endings import (
    HASTY,
    a_world,
    assert_ends_errored,
    assert_ends_ready,
    assert_paid_within_bounds,
    assert_playable,
)
from tests.support.world.operator import killed_at_each_moment, live
from tests.support.world.world import InMemoryWorld

TWO_MINUTES = 120.0
HALF_AN_HOUR = 1800.0


def test_a_video_becomes_playable() -> None:
    world = a_world()
    live(world, meanwhile=lambda: assert_paid_within_bounds(world))
    assert_ends_ready(world)
    assert world.clock.monotonic() < TWO_MINUTES


def test_a_video_becomes_playable_with_no_callback_ever_delivered() -> None:
    world = a_world()
    live(world, delivers_claims=False)
    assert_ends_ready(world)
    assert world.clock.monotonic() < TWO_MINUTES


def test_two_workers_at_every_step_do_no_more_than_one() -> None:
    world = a_world()
    live(world, is_repeated=True)
    assert_ends_ready(world)


@pytest.mark.parametrize("delivers_claims", [True, False])
def test_a_process_that_dies_after_each_pass_still_makes_the_video_playable(delivers_claims: bool) -> None:
    world = a_world()
    live(world, dies_after_each_pass=True, delivers_claims=delivers_claims)
    assert_ends_ready(world)


@pytest.mark.parametrize("delivers_claims", [pytest.param(True, id="claims"), pytest.param(False, id="no-claims")])
def test_killed_at_any_moment_it_ends_ready_for_the_price_of_one_job(delivers_claims: bool) -> None:
    for world in killed_at_each_moment(a_world, partial(live, delivers_claims=delivers_claims)):
        assert_ends_ready(world)


def test_a_second_job_is_bought_only_if_the_first_was_cut_off_and_never_claimed() -> None:
    bought = []
    pattern = a_world()
    live(pattern, delivers_claims=False)
    for moment in range(1, pattern.kill_switch.moments + 1):
        world = a_world(Script(job_seconds=HALF_AN_HOUR))
        world.kill_switch.gaps = [moment]
        live(world, delivers_claims=False)
        bought.append(len(world.transcoder.jobs))
        assert_ends_ready(world, jobs=bought[-1])
    # After the order, and before its commit.
    assert Counter(bought)[2] == 2
    assert set(bought) == {1, 2}


@settings(max_examples=30, deadline=None)
@given(gaps=st.lists(st.integers(1, 60), min_size=2, max_size=12))
def test_killed_repeatedly_it_ends_ready_for_the_price_of_one_job(gaps: list[int]) -> None:
    world = a_world()
    world.kill_switch.gaps = gaps
    live(world)
    assert_playable(world)
    assert len(world.transcoder.jobs) == 1


def test_killed_at_any_moment_while_jobs_fail_it_stays_within_its_budget() -> None:
    def hard() -> InMemoryWorld:
        return a_world(Script([Answer.BUSY, Answer.LOST_AFTER], [JobEnd.BREAKS]))

    for world in killed_at_each_moment(hard, live):
        assert_ends_ready(world, jobs=2)


@pytest.mark.parametrize(
    ("script", "delivers_claims", "jobs"),
    [
        pytest.param(Script([Answer.BUSY] * 20), True, 1, id="coconut-is-busy-for-a-while"),
        pytest.param(Script([Answer.LOST_AFTER]), True, 1, id="the-answer-is-lost-and-the-job-claimed"),
        pytest.param(Script([Answer.LOST_AFTER]), False, 1, id="the-answer-is-lost-and-the-outputs-found"),
        pytest.param(
            Script([Answer.LOST_AFTER], job_seconds=HALF_AN_HOUR), False, 2, id="the-answer-is-lost-for-longer"
        ),
        pytest.param(Script([Answer.LOST_BEFORE]), True, 1, id="the-order-is-lost"),
        pytest.param(Script(job_ends=[JobEnd.BREAKS, JobEnd.BREAKS]), False, 3, id="two-jobs-break"),
        pytest.param(Script(job_ends=[JobEnd.LEAVES_HOLES]), False, 2, id="outputs-are-missing"),
        pytest.param(Script(job_ends=[JobEnd.NEVER_ENDS]), False, 2, id="a-job-never-ends"),
    ],
)
def test_a_video_becomes_playable_in_spite_of(script: Script, delivers_claims: bool, jobs: int) -> None:
    world = a_world(Script(list(script.answers), list(script.job_ends), script.job_seconds))
    live(world, delivers_claims=delivers_claims)
    assert_ends_ready(world, jobs=jobs)


@pytest.mark.parametrize(
    ("script", "code", "jobs"),
    [
        pytest.param(Script([Answer.REFUSED]), FailureCode.PROVIDER_REFUSED, 0, id="refused"),
        pytest.param(Script([Answer.BUSY] * 9999), FailureCode.PROVIDER_UNAVAILABLE, 0, id="busy-for-ever"),
        pytest.param(Script([Answer.LOST_BEFORE] * 9999), FailureCode.PROVIDER_UNAVAILABLE, 0, id="all-orders-lost"),
        pytest.param(Script(job_ends=[JobEnd.BREAKS] * 3), FailureCode.TRANSCODE_FAILED, 3, id="all-jobs-break"),
        pytest.param(Script(job_ends=[JobEnd.CANNOT_DECODE]), FailureCode.VIDEO_UNDECODABLE, 1, id="undecodable"),
        pytest.param(Script(job_ends=[JobEnd.NEVER_ENDS] * 3), FailureCode.TRANSCODE_TIMEOUT, 3, id="no-job-ever-ends"),
        pytest.param(
            Script(job_ends=[JobEnd.LEAVES_HOLES] * 3), FailureCode.OUTPUTS_INVALID, 3, id="outputs-always-missing"
        ),
    ],
)
def test_an_upload_ends_errored_when(script: Script, code: FailureCode, jobs: int) -> None:
    world = a_world(Script(list(script.answers), list(script.job_ends)), HASTY)
    live(world, delivers_claims=False)
    assert_ends_errored(world, code, jobs=jobs)


def test_a_client_that_never_sends_its_file_costs_nothing() -> None:
    world = InMemoryWorld(timing=HASTY)
    world.create()
    live(world)
    assert_ends_errored(world, FailureCode.UPLOAD_EXPIRED, jobs=0)
    assert world.clock.monotonic() < HASTY.uploading_deadline_seconds + TWO_MINUTES
