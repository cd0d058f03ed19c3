"""Lives within limits of money: what a day does not allow waits visibly, and too long a video is not bought."""

import pytest

from domain.failures import FailureCode
from domain.messages import present
from domain.policy import LifecyclePolicy
from domain.spending import SpendingLimits
from domain.video import Phase, Reason
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.clock import MORNING
from tests.support.world.endings import HASTY, assert_ends_errored, assert_ends_ready
from tests.support.world.operator import live
from tests.support.world.world import InMemoryWorld

DAY_SECONDS = 86_400.0
HOURS_TO_MIDNIGHT = 24 - MORNING.hour


def a_limited_world(
    limits: SpendingLimits, *, script: Script | None = None, body: bytes | None = None
) -> InMemoryWorld:
    world = InMemoryWorld(script, HASTY, rules=LifecyclePolicy(HASTY, spending=limits))
    world.create()
    world.send_file(body)
    return world


def reasons(world: InMemoryWorld) -> list[Reason]:
    return [event.reason for event in world.records.events]


def test_beyond_its_owners_day_an_upload_waits_for_the_next_and_uses_up_no_attempt() -> None:
    limits, script = SpendingLimits(submissions_per_owner=1), Script(job_ends=[JobEnd.LEAVES_HOLES])
    world = InMemoryWorld(script, rules=LifecyclePolicy(spending=limits))
    world.create()
    world.send_file()
    waits: set[tuple[int, str | None, str | None]] = set()

    def look() -> None:
        if world.row.observed.reason is Reason.DAILY_LIMIT_REACHED:
            shown = present(world.row.desired, world.row.observed)
            waits.add((len(world.records.attempts), shown.waiting_for, shown.what_to_do))

    live(world, meanwhile=look)
    assert waits == {(1, "the next day (UTC): today's jobs of this owner are used up; it continues by itself", None)}
    first, second = world.transcoder.jobs.values()
    assert first.started_at < HOURS_TO_MIDNIGHT * 3600 <= second.started_at < HOURS_TO_MIDNIGHT * 3600 + 120
    assert_ends_ready(world, jobs=2)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(SpendingLimits(submissions_per_owner=0), Reason.DAILY_LIMIT_REACHED, id="of-the-owner"),
        pytest.param(SpendingLimits(minutes_per_day=1), Reason.SPENDING_STOPPED, id="of-the-installation"),
        pytest.param(SpendingLimits(running_per_owner=0), Reason.WAITING_FOR_OWN_JOBS, id="of-running-jobs"),
    ],
)
def test_a_wait_that_outlasts_the_phase_ends_it_and_names_the_limit(limits: SpendingLimits, reason: Reason) -> None:
    world = a_limited_world(limits)
    live(world)
    assert reason in reasons(world)
    assert_ends_errored(world, FailureCode.LIMIT_REACHED, jobs=0)
    failure = world.row.observed.failure
    assert failure is not None
    assert failure.advice.retryable


def test_a_short_video_fits_into_what_is_left_of_the_day() -> None:
    world = a_limited_world(SpendingLimits(minutes_per_day=5), body=mp4(seconds=60))
    live(world)
    assert_ends_ready(world)
    world.clock.advance(60)
    world.deps.limiter.refresh()
    assert world.deps.limiter.state().minutes == pytest.approx(12 / 60 * 2), "what it billed, not what it might have"


def test_a_header_that_states_too_long_a_video_is_refused_before_money() -> None:
    world = a_limited_world(SpendingLimits(duration_seconds=3600), body=mp4(seconds=3601))

    def send_another() -> None:
        if world.row.observed.reason is Reason.FILE_REJECTED and world.row.observed.rejections == 1:
            shown = present(world.row.desired, world.row.observed)
            assert "a shorter video" in (shown.what_to_do or "")
            world.send_file(mp4(seconds=7200))

    live(world, meanwhile=send_another)
    assert_ends_errored(world, FailureCode.VIDEO_TOO_LONG, jobs=0)


def test_a_video_too_long_by_the_providers_measure_fails_after_one_empty_job() -> None:
    world = a_limited_world(SpendingLimits(), script=Script(job_ends=[JobEnd.TOO_LONG] * 3))
    live(world)
    assert_ends_errored(world, FailureCode.VIDEO_TOO_LONG, jobs=1)


def test_a_stream_longer_than_every_header_said_counts_its_minutes_unpublished() -> None:
    world = a_limited_world(SpendingLimits(duration_seconds=6), body=mp4(seconds=1))
    live(world)
    assert_ends_errored(world, FailureCode.VIDEO_TOO_LONG, jobs=1)
    assert [intent.minutes for intent in world.records.intents.values()] == [pytest.approx(12 / 60 * 2)]
    assert world.row.observed.phase is Phase.ERRORED
