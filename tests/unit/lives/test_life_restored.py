"""Lives during which Postgres is restored from a dump, or resources are deleted: the newer state wins.

A dump taken at one moment of a life is put back at another. What was bought in between is known to the resource only.
"""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.failures import FailureCode
from domain.video import PAUSED_ANNOTATION, Phase
from tests.support.fakes.transcoder import Answer, Fate, Script
from tests.support.world.dumps import Dump
from tests.support.world.endings import (
    HASTY,
    assert_at_rest_for_good,
    assert_ends_errored,
    assert_ends_ready,
    assert_paid_within_bounds,
    assert_playable,
    assert_shown,
)
from tests.support.world.kill_switch import KilledError
from tests.support.world.operator import Process, live, run_until, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

BEFORE_BIRTH = 0
HALF_AN_HOUR = 1800.0


def a_published_world(script: Script | None = None) -> InMemoryWorld:
    """Return a world in which the API has made row and resource, and a client has sent its file and vanished."""
    world = InMemoryWorld(script, HASTY)
    row = world.create()
    world.send_file()
    world.resources.apply(row.desired)
    return world


def moments_of_a_life(*, delivers_claims: bool = True) -> range:
    world = a_published_world()
    live(world, delivers_claims=delivers_claims)
    return range(1, world.kill_switch.moments + 1)


def die() -> None:
    raise KilledError("with Postgres")


def run_on() -> None:
    pass


def put_back(
    world: InMemoryWorld,
    *,
    taken_at: int,
    put_back_at: int,
    then: Callable[[], None] = run_on,
    delivers_claims: bool = True,
) -> None:
    """Live a life in which a dump is taken at one moment and put back at another."""
    dumps = [Dump(InMemoryWorld().records)]

    def restore() -> None:
        dumps[-1].restore(world.records)
        then()

    world.kill_switch.happens = {taken_at: lambda: dumps.append(Dump(world.records)), put_back_at: restore}
    live(world, delivers_claims=delivers_claims)
    world.kill_switch.happens.clear()


@pytest.mark.parametrize(
    ("then", "delivers_claims"),
    [
        pytest.param(run_on, True, id="and-the-operator-runs-on"),
        pytest.param(die, False, id="and-the-operator-dies-and-no-callback-ever-arrives"),
    ],
)
def test_an_older_dump_restored_at_any_moment_buys_nothing_twice(
    then: Callable[[], None], delivers_claims: bool
) -> None:
    for moment in moments_of_a_life(delivers_claims=delivers_claims):
        for taken_at in (BEFORE_BIRTH, moment * 2 // 3):
            world = a_published_world()
            put_back(world, taken_at=taken_at, put_back_at=moment, then=then, delivers_claims=delivers_claims)
            assert world.kill_switch.moments >= moment, "it was put back"
            assert_playable(world)
            assert_shown(world)
            assert len(world.transcoder.jobs) == 1


hard_answers = st.lists(st.sampled_from([Answer.BUSY, Answer.LOST_AFTER, Answer.LOST_BEFORE]), max_size=2)
hard_fates = st.lists(st.sampled_from([Fate.BREAKS, Fate.LEAVES_HOLES]), max_size=1)


@settings(max_examples=60, deadline=None)
@given(answers=hard_answers, fates=hard_fates, moments=st.tuples(st.integers(0, 150), st.integers(1, 150)))
def test_an_older_dump_restored_while_jobs_fail_stays_within_the_budget(
    answers: list[Answer], fates: list[Fate], moments: tuple[int, int]
) -> None:
    world = a_published_world(Script(answers, fates))
    put_back(world, taken_at=min(moments), put_back_at=max(moments))
    assert_paid_within_bounds(world)
    assert_shown(world)
    assert_at_rest_for_good(world)


@pytest.mark.parametrize("phase", [None, Phase.UPLOADING, Phase.UPLOADED, Phase.PROCESSING])
def test_an_older_dump_restored_at_rest_is_found_by_the_resync(phase: Phase | None) -> None:
    world = a_published_world()
    dumps: dict[Phase | None, Dump] = {None: Dump(InMemoryWorld().records)}
    process = Process(world)
    process.begin()
    while not world.is_at_rest():
        dumps.setdefault(world.row.observed.phase, Dump(world.records))
        process.step()
    before = world.row
    dumps[phase].restore(world.records)
    while not world.is_at_rest():
        process.step()
    assert world.row.observed == before.observed
    assert_ends_ready(world)


def test_a_row_restored_from_before_a_job_takes_up_that_job() -> None:
    world = a_published_world(Script(job_seconds=HALF_AN_HOUR))
    run_until(world, lambda world: world.row.observed.phase is Phase.PROCESSING)
    Dump(InMemoryWorld().records).restore(world.records)
    live(world)
    assert_ends_ready(world)


def test_a_pause_survives_a_restart_and_an_older_dump() -> None:
    world = a_published_world()
    dump = Dump(world.records)
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    dump.restore(world.records)
    settled(world)
    assert world.row.observed.is_paused
    assert not world.transcoder.jobs
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    live(world)
    assert_ends_ready(world)


def test_a_retry_that_only_the_resource_holds_is_started() -> None:
    world = a_published_world(Script(fates=[Fate.CANNOT_DECODE]))
    live(world)
    dump = Dump(world.records)
    assert_ends_errored(world, FailureCode.VIDEO_UNDECODABLE, jobs=1)
    world.records.retry(VIDEO_ID)
    world.resources.apply(world.row.desired)
    dump.restore(world.records)
    live(world)
    assert world.row.desired.retries == 1
    assert_ends_ready(world, jobs=2)


def test_a_deletion_that_only_the_resource_holds_withdraws_the_video() -> None:
    world = a_published_world()
    live(world)
    dump = Dump(world.records)
    world.records.delete(VIDEO_ID)
    world.resources.apply(world.row.desired)
    dump.restore(world.records)
    settled(world)
    assert world.row.desired.deleted
    assert world.row.deleted_at is not None
    assert world.storage.read_playlist(VIDEO_ID) is None


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_resource_deleted_at_any_moment_comes_back_and_costs_nothing(is_killed: bool) -> None:
    for moment in moments_of_a_life():
        world = a_published_world()

        def delete(world: InMemoryWorld = world) -> None:
            world.resources.remove(VIDEO_ID)
            if is_killed:
                die()

        world.kill_switch.happens = {moment: delete}
        live(world)
        assert_playable(world)
        assert_shown(world)
        assert len(world.transcoder.jobs) == 1


def test_a_resource_left_over_from_a_purged_video_is_removed() -> None:
    world = a_published_world()
    desired = world.row.desired
    world.records.delete(VIDEO_ID)
    world.resources.remove(VIDEO_ID)
    world.pass_time(HASTY.delete_grace_seconds)
    settled(world)
    assert VIDEO_ID not in world.records.rows
    world.resources.apply(desired)
    settled(world)
    assert VIDEO_ID not in world.resources.by_name
    assert VIDEO_ID not in world.records.rows
