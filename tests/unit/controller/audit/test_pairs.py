"""Every pair of row, resource, bucket and claim: what the audit does about it, and what it leaves to others.

| row | resource | bucket | claim | who | what |
|---|---|---|---|---|---|
| there | there | there | either | no check | they agree; a callback that never came is no difference |
| there | missing | either | either | `Resync.rows` | asks for a pass, which brings the resource back |
| there | either | missing | either | the audit | reported, and repaired as long as the original is there |
| missing | there | either | - | `Resync.resources` | asks for a pass, which learns from the resource |
| missing | either | there | - | the audit | quarantine; nothing is removed |
| missing | - | - | there | the schema | cannot be: a claim hangs on its row |
| there | - | - | another job's | the audit | reported as a doubled job |
"""

from itertools import product

import pytest

from controller.audit.findings import FindingType
from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from domain import object_keys
from tests.support.world.auditor import Auditor, kinds
from tests.support.world.endings import a_ready_world
from tests.support.world.world import VIDEO_ID, InMemoryWorld

NOTHING: set[FindingType] = set()
STRAY = {FindingType.OBJECTS_WITHOUT_ROW}
LOST = {FindingType.PLAYLIST_WRONG, FindingType.POSTER_MISSING, FindingType.OUTPUTS_BROKEN}

# row, resource, bucket, claim: what the audit finds, and whether each half of the resync asks for a pass.
PAIRS = {
    (1, 1, 1, 1): (NOTHING, None),
    (1, 1, 1, 0): (NOTHING, None),
    (1, 1, 0, 1): (LOST, None),
    (1, 1, 0, 0): (LOST, None),
    (1, 0, 1, 1): (NOTHING, "rows"),
    (1, 0, 1, 0): (NOTHING, "rows"),
    (1, 0, 0, 1): (LOST, "rows"),
    (1, 0, 0, 0): (LOST, "rows"),
    (0, 1, 1, 1): (STRAY, "resources"),
    (0, 1, 1, 0): (STRAY, "resources"),
    (0, 1, 0, 1): (NOTHING, "resources"),
    (0, 1, 0, 0): (NOTHING, "resources"),
    (0, 0, 1, 1): (STRAY, None),
    (0, 0, 1, 0): (STRAY, None),
    (0, 0, 0, 1): (NOTHING, None),
    (0, 0, 0, 0): (NOTHING, None),
}


def test_every_pair_has_a_case() -> None:
    assert set(PAIRS) == set(product((0, 1), repeat=4))


def named(pair: tuple[int, int, int, int]) -> str:
    names = ("row", "resource", "bucket", "claim")
    return "-".join(name for name, is_there in zip(names, pair, strict=True) if is_there) or "nothing"


@pytest.mark.parametrize("pair", PAIRS, ids=named)
def test_each_pair_is_handled_as_its_case_says(pair: tuple[int, int, int, int]) -> None:
    world = a_world_with(*pair)
    found, sweep_half = PAIRS[pair]
    auditor = Auditor(world)
    before = auditor.objects()

    report = auditor.full()

    assert kinds(report) == found
    assert before.items() <= auditor.objects().items(), "nothing in the bucket is gone or other than it was"
    if found == STRAY:
        assert set(auditor.rows.in_quarantine) == set(before)
    else:
        assert not auditor.rows.in_quarantine
    assert auditor.rows.heals == {}, "without its original there is nothing to buy"
    assert who_asks(world) == sweep_half


@pytest.mark.parametrize("has_claim", [True, False])
def test_outputs_lost_without_their_row_are_made_again(has_claim: bool) -> None:
    world = a_world_with(1, 1, 1, int(has_claim))
    prefix = object_keys.outputs_prefix(VIDEO_ID, world.row.observed.outputs_folder)
    for key in [key for key in world.storage.processed if key.startswith(prefix)]:
        del world.storage.processed[key]
    auditor = Auditor(world)
    assert kinds(auditor.full()) == {FindingType.OUTPUTS_BROKEN}
    assert auditor.rows.heals == {VIDEO_ID: 1}


@pytest.mark.parametrize("has_accepted_job", [True, False])
def test_a_claim_for_another_job_is_always_reported(has_accepted_job: bool) -> None:
    world = a_world_with(1, 1, 1, int(has_accepted_job))
    world.records.record(video_id=VIDEO_ID, attempt=1, job_id="another")
    assert kinds(Auditor(world).full()) == {FindingType.DOUBLED_JOB}


def a_world_with(row: int, resource: int, bucket: int, claim: int) -> InMemoryWorld:
    """Take away what is to be missing from a world in which one video is ready."""
    world = a_ready_world()
    assert world.records.claims[VIDEO_ID, 1] == ["job1"]
    if not resource:
        world.resources.remove(VIDEO_ID)
    if not bucket:
        world.storage.raw.clear()
        world.storage.processed.clear()
        world.storage.marked.clear()
    if not row or not claim:
        world.records.claims.clear()
    if not row:
        world.records.rows.clear()
        world.records.attempts.clear()
    if claim:
        world.records.record(video_id=VIDEO_ID, attempt=1, job_id="job1")
        assert bool(world.records.of_attempt(VIDEO_ID, 1)) is bool(row), "a claim hangs on its row"
    return world


def who_asks(world: InMemoryWorld) -> str | None:
    """Return the half of the resync that asks for a pass over the video."""
    cache, queue = ResourceCache(), WorkQueue(world.clock.monotonic)
    resync = Resync(world.deps, cache, queue, clock=world.clock.now)
    if resync.resources():
        return "resources"
    return "rows" if resync.rows() else None
