"""Lives during which Postgres is restored from a dump, or resources are deleted: the newer state wins.

A dump taken at one moment of a life is put back at another. What was bought in between is known to the resource, and
once that has retired, to the bucket only.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.audit.findings import FindingType
from domain import object_keys
from domain.failures import FailureCode
from domain.jobs import JobOrder
from domain.video import PAUSED_ANNOTATION, Phase
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.world.auditor import Auditor
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
DAY = timedelta(days=1)
MOST_MOMENTS = 2_000


def a_published_world(script: Script | None = None) -> InMemoryWorld:
    """Return a world in which the API has made row and resource, and a client has sent its file and vanished."""
    world = InMemoryWorld(script, HASTY)
    # The same in each life, so that a dump of one fits another.
    words = map("".join, product("abcdefgh", repeat=16))
    world.deps = replace(world.deps, new_word=lambda: next(words))
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


def test_a_dump_from_before_a_restore_does_not_hide_the_video_that_the_resource_shows() -> None:
    """Until the resource is read the row counts as deleted, and an audit withdraws the files that it finds public."""
    world = a_published_world()
    live(world)
    world.records.delete(VIDEO_ID)
    process = Process(world)
    process.begin()
    while not world.row.observed.is_withdrawn:
        process.step()
    dump = Dump(world.records)
    world.records.restore(VIDEO_ID)
    settled(world)
    assert_playable(world)

    dump.restore(world.records)
    Auditor(world).light()
    assert not world.storage.is_readable(VIDEO_ID)
    live(world)
    assert_playable(world)
    assert_shown(world)
    assert len(world.transcoder.jobs) == 1


hard_answers = st.lists(st.sampled_from([Answer.BUSY, Answer.LOST_AFTER, Answer.LOST_BEFORE]), max_size=2)
hard_fates = st.lists(st.sampled_from([JobEnd.BREAKS, JobEnd.LEAVES_HOLES]), max_size=1)


@settings(max_examples=60, deadline=None)
@given(answers=hard_answers, job_ends=hard_fates, moments=st.tuples(st.integers(0, 150), st.integers(1, 150)))
def test_an_older_dump_restored_while_jobs_fail_stays_within_the_budget(
    answers: list[Answer], job_ends: list[JobEnd], moments: tuple[int, int]
) -> None:
    world = a_published_world(Script(answers, job_ends))
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


def test_a_row_restored_from_before_a_job_continues_with_that_job() -> None:
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
    world = a_published_world(Script(job_ends=[JobEnd.CANNOT_DECODE]))
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


def dumps_of_a_life(
    begin: Callable[[], InMemoryWorld], lived: Callable[[InMemoryWorld], None]
) -> Iterator[tuple[int, Dump]]:
    """Yield a dump of every moment at which a life stored something, with the moment's number."""
    world = begin()
    dumps: dict[int, Dump] = {}

    def note() -> None:
        dumps[world.kill_switch.moments] = Dump(world.records)

    note()
    world.kill_switch.happens = dict.fromkeys(range(1, MOST_MOMENTS), note)
    lived(world)
    assert max(dumps) < MOST_MOMENTS - 1
    newest: Dump | None = None
    for moment, dump in dumps.items():
        if newest is None or dump != newest:
            yield moment, dump
        newest = dump


def long_retired(begin: Callable[[], InMemoryWorld], lived: Callable[[InMemoryWorld], None]) -> InMemoryWorld:
    """Return a world whose video has lived, and whose resource has left Kubernetes."""
    world = begin()
    lived(world)
    world.pass_time(HASTY.retire_errored_seconds)
    settled(world)
    settled(world)
    assert VIDEO_ID not in world.resources.by_name
    return world


def paid(world: InMemoryWorld) -> Counter[int]:
    """Return how many jobs each attempt has."""
    return Counter(job.order.attempt for job in world.transcoder.jobs.values())


def outputs_of(world: InMemoryWorld) -> dict[str, bytes]:
    """Return what jobs have written."""
    return {key: stored.body for key, stored in world.storage.processed.items() if key.count("/") > 2}


def with_two_editions(world: InMemoryWorld) -> None:
    live(world)
    world.records.ask_for_edition(VIDEO_ID)
    live(world)


def deleted(world: InMemoryWorld) -> None:
    live(world)
    world.records.delete(VIDEO_ID)
    settled(world)


def deleted_before_its_order(world: InMemoryWorld) -> None:
    run_until(world, lambda world: world.row.observed.phase is Phase.UPLOADED)
    world.records.delete(VIDEO_ID)
    settled(world)


def deleted_restored_and_deleted(world: InMemoryWorld) -> None:
    deleted(world)
    world.records.restore(VIDEO_ID)
    settled(world)
    world.records.delete(VIDEO_ID)
    settled(world)


def from_an_earlier_release() -> InMemoryWorld:
    """Return a world whose attempts leave no marks, and whose folders have no words."""
    world = a_published_world()
    world.storage.mark_attempt = lambda *_: None  # type: ignore[method-assign]
    return world


@pytest.mark.parametrize("begin", [a_published_world, from_an_earlier_release])
@pytest.mark.parametrize("lived", [live, with_two_editions])
def test_a_dump_older_than_the_retirement_buys_nothing_and_the_video_plays(
    begin: Callable[[], InMemoryWorld], lived: Callable[[InMemoryWorld], None]
) -> None:
    pattern = long_retired(begin, lived)
    for moment, dump in dumps_of_a_life(begin, lived):
        world = long_retired(begin, lived)
        outputs = outputs_of(world)
        dump.restore(world.records)
        settled(world)
        assert paid(world) == paid(pattern), moment
        assert outputs == outputs_of(world)
        found = set(Auditor(world).full().found)
        assert found <= {FindingType.OUTPUTS_UNKNOWN, FindingType.OUTPUTS_SUPERSEDED, FindingType.PLAYLIST_WRONG}
        assert_playable(world)


@pytest.mark.parametrize(
    "job_ends", [[JobEnd.LEAVES_HOLES] * 3, [JobEnd.CANNOT_DECODE], [JobEnd.BREAKS, JobEnd.LEAVES_HOLES]]
)
def test_a_dump_older_than_the_retirement_stays_within_the_budget(job_ends: list[JobEnd]) -> None:
    def begin() -> InMemoryWorld:
        return a_published_world(Script(job_ends=list(job_ends)))

    pattern = long_retired(begin, live)
    for moment, dump in dumps_of_a_life(begin, live):
        world = long_retired(begin, live)
        dump.restore(world.records)
        settled(world)
        assert paid(world) == paid(pattern), moment
        assert world.row.observed.phase is pattern.row.observed.phase, moment


@settings(max_examples=60, deadline=None)
@given(
    answers=hard_answers,
    job_ends=hard_fates,
    taken_at=st.integers(0, 150),
    is_killed_at=st.integers(0, 40),
    days=st.integers(0, 20),
)
def test_whatever_failed_before_an_older_dump_no_attempt_is_bought_twice(
    answers: list[Answer], job_ends: list[JobEnd], taken_at: int, is_killed_at: int, days: int
) -> None:
    world = a_published_world(Script(answers, job_ends))
    dumps = [Dump(world.records)]
    world.kill_switch.happens = {taken_at: lambda: dumps.append(Dump(world.records))}
    live(world)
    world.kill_switch.happens.clear()
    world.pass_time(days * 86_400.0)
    settled(world)
    dumps[-1].restore(world.records)
    if is_killed_at:
        world.kill_switch.arm(is_killed_at)
    settled(world)
    world.kill_switch.gaps.clear()
    assert_paid_within_bounds(world)
    assert world.row.observed.phase in {Phase.READY, Phase.ERRORED}


@pytest.mark.parametrize("lived", [deleted, deleted_before_its_order, deleted_restored_and_deleted])
def test_a_dump_older_than_a_deletion_brings_nothing_back(lived: Callable[[InMemoryWorld], None]) -> None:
    pattern = long_retired_and_deleted(lived)
    for moment, dump in dumps_of_a_life(a_published_world, lived):
        world = long_retired_and_deleted(lived)
        dump.restore(world.records)
        settled(world)
        Auditor(world).full()
        settled(world)
        assert world.row.desired.deleted, moment
        assert not [key for key in world.storage.processed if key.startswith(object_keys.PUBLIC_PREFIX)], moment
        assert paid(world) == paid(pattern), moment

        world.records.restore(VIDEO_ID)
        settled(world)
        assert paid(world).total() <= 1, moment
        if paid(pattern):
            assert_playable(world)


def long_retired_and_deleted(lived: Callable[[InMemoryWorld], None]) -> InMemoryWorld:
    world = a_published_world()
    lived(world)
    world.pass_time(HASTY.retire_ready_seconds)
    settled(world)
    assert VIDEO_ID not in world.resources.by_name
    return world


def test_a_dump_from_before_a_deletion_and_its_restore_changes_nothing() -> None:
    world = a_published_world()
    live(world)
    before = Dump(world.records)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.records.restore(VIDEO_ID)
    settled(world)
    world.pass_time(HASTY.retire_ready_seconds)
    settled(world)
    before.restore(world.records)
    settled(world)
    assert not world.row.desired.deleted
    assert_playable(world)


def test_a_dump_from_before_the_file_arrived_continues_at_once_with_the_kept_copy() -> None:
    world = a_published_world()
    dump = Dump(world.records)
    live(world)
    world.pass_time(HASTY.retire_ready_seconds)
    settled(world)
    dump.restore(world.records)
    world.records.rows[VIDEO_ID] = replace(
        world.row, observed=replace(world.row.observed, deadline_at=world.clock.now() + DAY)
    )
    began = world.clock.monotonic()
    live(world)
    assert_playable(world)
    assert world.clock.monotonic() - began < 60
    assert len(world.transcoder.jobs) == 1


def test_a_purge_leaves_no_mark() -> None:
    world = a_published_world()
    deleted(world)
    assert world.storage.marked
    world.pass_time(HASTY.delete_grace_seconds)
    settled(world)
    assert VIDEO_ID not in world.records.rows
    assert not world.storage.marked


def test_no_order_leaves_before_its_mark_is_written() -> None:
    world = a_published_world(Script([Answer.BUSY, Answer.LOST_AFTER]))
    start, seen = world.transcoder.start, list[bool]()

    def watched(order: JobOrder) -> str:
        seen.append(object_keys.attempt_mark_key(VIDEO_ID, order.folder) in world.storage.marked)
        return start(order)

    world.transcoder.start = watched  # type: ignore[method-assign]
    live(world)
    assert seen == [True, True]
    assert_ends_ready(world)
    assert len(world.storage.marked) == 2, "an order that was refused leaves none"


def test_while_no_mark_can_be_written_nothing_is_ordered() -> None:
    world = a_published_world()
    world.storage.takes_no_marks = True
    live(world)
    assert_ends_errored(world, FailureCode.PROVIDER_UNAVAILABLE, jobs=0)
