"""Lives during which Postgres comes back from a dump, or resources are deleted: the rest of the world knows better.

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
from tests.support.world.operator import Process, live, settled
from tests.support.world.world import VIDEO_ID, SmallWorld

BEFORE_BIRTH = 0
HALF_AN_HOUR = 1800.0


def a_published_world(script: Script | None = None) -> SmallWorld:
    """Return a world in which the API has made row and resource, and a client has sent its file and vanished."""
    small = SmallWorld(script, HASTY)
    row = small.create()
    small.send_file()
    small.resources.apply(row.desired)
    return small


def moments_of_a_life(*, hears_claims: bool = True) -> range:
    small = a_published_world()
    live(small, hears_claims=hears_claims)
    return range(1, small.fuse.moments + 1)


def die() -> None:
    raise KilledError("with Postgres")


def run_on() -> None:
    pass


def put_back(
    small: SmallWorld, *, taken_at: int, put_back_at: int, then: Callable[[], None] = run_on, hears_claims: bool = True
) -> None:
    """Live a life in which a dump is taken at one moment and put back at another."""
    dumps = [Dump(SmallWorld().records)]

    def restore() -> None:
        dumps[-1].restore(small.records)
        then()

    small.fuse.happens = {taken_at: lambda: dumps.append(Dump(small.records)), put_back_at: restore}
    live(small, hears_claims=hears_claims)
    small.fuse.happens.clear()


@pytest.mark.parametrize(
    ("then", "hears_claims"),
    [
        pytest.param(run_on, True, id="and-the-operator-runs-on"),
        pytest.param(die, False, id="and-the-operator-dies-and-nobody-ever-calls-back"),
    ],
)
def test_an_older_dump_put_back_at_any_moment_buys_nothing_twice(then: Callable[[], None], hears_claims: bool) -> None:
    for moment in moments_of_a_life(hears_claims=hears_claims):
        for taken_at in (BEFORE_BIRTH, moment * 2 // 3):
            small = a_published_world()
            put_back(small, taken_at=taken_at, put_back_at=moment, then=then, hears_claims=hears_claims)
            assert small.fuse.moments >= moment, "it was put back"
            assert_playable(small)
            assert_shown(small)
            assert len(small.transcoder.jobs) == 1


hard_answers = st.lists(st.sampled_from([Answer.BUSY, Answer.LOST_AFTER, Answer.LOST_BEFORE]), max_size=2)
hard_fates = st.lists(st.sampled_from([Fate.BREAKS, Fate.LEAVES_HOLES]), max_size=1)


@settings(max_examples=60, deadline=None)
@given(answers=hard_answers, fates=hard_fates, moments=st.tuples(st.integers(0, 150), st.integers(1, 150)))
def test_a_dump_put_back_into_a_hard_life_keeps_it_within_its_bounds(
    answers: list[Answer], fates: list[Fate], moments: tuple[int, int]
) -> None:
    small = a_published_world(Script(answers, fates))
    put_back(small, taken_at=min(moments), put_back_at=max(moments))
    assert_paid_within_bounds(small)
    assert_shown(small)
    assert_at_rest_for_good(small)


@pytest.mark.parametrize("phase", [None, Phase.UPLOADING, Phase.UPLOADED, Phase.PROCESSING])
def test_a_dump_put_back_when_all_is_at_rest_is_found_by_comparing(phase: Phase | None) -> None:
    small = a_published_world()
    dumps: dict[Phase | None, Dump] = {None: Dump(SmallWorld().records)}
    process = Process(small)
    process.begin()
    while not small.is_at_rest():
        dumps.setdefault(small.row.observed.phase, Dump(small.records))
        process.step()
    before = small.row
    dumps[phase].restore(small.records)
    while not small.is_at_rest():
        process.step()
    assert small.row.observed == before.observed
    assert_ends_ready(small)


def test_a_job_that_runs_for_long_is_taken_up_again_by_a_row_that_never_heard_of_it() -> None:
    small = a_published_world(Script(job_seconds=HALF_AN_HOUR))

    process = Process(small)
    process.begin()
    while small.row.observed.phase is not Phase.PROCESSING:
        process.step()
    Dump(SmallWorld().records).restore(small.records)
    live(small)
    assert_ends_ready(small)


def test_a_pause_is_kept_through_a_restart_and_a_dump() -> None:
    small = a_published_world()
    dump = Dump(small.records)
    small.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(small)
    dump.restore(small.records)
    settled(small)
    assert small.row.observed.is_paused
    assert not small.transcoder.jobs
    small.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    live(small)
    assert_ends_ready(small)


def test_a_retry_that_only_the_resource_remembers_is_begun() -> None:
    small = a_published_world(Script(fates=[Fate.CANNOT_DECODE]))
    live(small)
    dump = Dump(small.records)
    assert_ends_errored(small, FailureCode.TRANSCODE_FAILED, jobs=1)
    small.records.retry(VIDEO_ID)
    small.resources.apply(small.row.desired)
    dump.restore(small.records)
    live(small)
    assert small.row.desired.retries == 1
    assert_ends_ready(small, jobs=2)


def test_a_deletion_that_only_the_resource_remembers_withdraws_the_video() -> None:
    small = a_published_world()
    live(small)
    dump = Dump(small.records)
    small.records.delete(VIDEO_ID)
    small.resources.apply(small.row.desired)
    dump.restore(small.records)
    settled(small)
    assert small.row.desired.deleted
    assert small.row.deleted_at is not None
    assert small.storage.read_playlist(VIDEO_ID) is None


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_resource_deleted_at_any_moment_comes_back_and_costs_nothing(is_killed: bool) -> None:
    for moment in moments_of_a_life():
        small = a_published_world()

        def delete(small: SmallWorld = small) -> None:
            small.resources.remove(VIDEO_ID)
            if is_killed:
                die()

        small.fuse.happens = {moment: delete}
        live(small)
        assert_playable(small)
        assert_shown(small)
        assert len(small.transcoder.jobs) == 1


def test_what_is_left_over_of_a_purged_video_is_removed() -> None:
    small = a_published_world()
    desired = small.row.desired
    small.records.delete(VIDEO_ID)
    small.resources.remove(VIDEO_ID)
    small.pass_time(HASTY.delete_grace_seconds)
    settled(small)
    assert VIDEO_ID not in small.records.rows
    small.resources.apply(desired)
    settled(small)
    assert VIDEO_ID not in small.resources.by_name
    assert VIDEO_ID not in small.records.rows
