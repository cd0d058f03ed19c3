"""Restoring a row before its pass: what is read and written, and what an outage or a concurrent change does."""

from dataclasses import replace

import pytest

from controller.actions.adoption import restore_row
from controller.rules.cached_resource import CachedResource
from domain.errors import ConflictError, RefusedError, UnavailableError, UpstreamError
from domain.records import AttemptState, VideoRow
from domain.video import AT_REST, Phase
from tests.support.builders.rows import SOURCE
from tests.support.fakes.resources import NAMESPACE
from tests.support.world.world import VIDEO_ID, InMemoryWorld

KEY = f"imports/{NAMESPACE}/films/launch.mov"
OUTAGES = [
    pytest.param(UnavailableError("no answer"), id="away"),
    pytest.param(RefusedError("HTTP 403"), id="refusing"),
]


def adoption(world: InMemoryWorld, row: VideoRow | None, cached: CachedResource | None) -> VideoRow | None:
    world.kill_switch.calls.clear()
    return restore_row(VIDEO_ID, row, cached, world.deps, world.clock.now())


@pytest.fixture
def behind() -> InMemoryWorld:
    """A world whose resource shows a running job, of which the row knows nothing."""
    world = InMemoryWorld()
    before = world.create()
    world.resources.apply(before.desired)
    after = replace(before.observed, revision=5, phase=Phase.PROCESSING, source=SOURCE, attempt=1, job_id="job1")
    world.resources.show(VIDEO_ID, before.desired, after, world.deps.policy, world.clock.now())
    return world


def cached_in(world: InMemoryWorld) -> CachedResource:
    return CachedResource.of(world.resources.signatures.checked(world.resources.by_name[VIDEO_ID]))


def test_a_row_that_agrees_with_its_resource_makes_no_calls() -> None:
    world = InMemoryWorld()
    row = world.create()
    world.resources.apply(row.desired)
    resource = world.resources.by_name[VIDEO_ID]
    world.resources.write_status(resource, {"revision": row.observed.revision})
    assert adoption(world, row, cached_in(world)) is row
    assert world.kill_switch.calls == []


def test_the_mark_in_the_bucket_shows_the_deletion_of_a_row_without_a_resource() -> None:
    world = InMemoryWorld()
    row = world.create()
    world.storage.mark_deleted(VIDEO_ID, row.desired.revision)
    assert adoption(world, row, None) is row, "a restore is newer than its mark"
    world.storage.mark_deleted(VIDEO_ID, row.desired.revision + 3)
    restored = adoption(world, row, None)
    assert restored is not None
    assert (restored.desired.deleted, restored.desired.revision) == (True, row.desired.revision + 3)


def test_a_status_that_is_not_ours_does_not_hide_a_deletion() -> None:
    world = InMemoryWorld()
    row = world.create()
    world.resources.apply(row.desired)
    resource = world.resources.by_name[VIDEO_ID]
    world.resources.write_status(resource, {"revision": row.observed.revision}, is_signed=False)
    world.storage.mark_deleted(VIDEO_ID, row.desired.revision + 1)
    restored = adoption(world, row, cached_in(world))
    assert restored is not None
    assert restored.desired.deleted


@pytest.mark.parametrize("phase", Phase)
def test_while_storage_is_away_a_row_at_rest_that_no_resource_shows_waits(phase: Phase) -> None:
    world = InMemoryWorld()
    row = world.create(phase=phase)
    world.storage.error = UnavailableError("listing: HTTP 503")
    if phase not in AT_REST:
        assert adoption(world, row, None) is row, "its deadline holds"
        return
    with pytest.raises(UnavailableError):
        adoption(world, row, None)


def test_a_row_behind_its_resource_restores_the_job_that_was_bought(behind: InMemoryWorld) -> None:
    row = adoption(behind, behind.row, cached_in(behind))
    assert row == behind.row
    assert row is not None
    assert (row.observed.phase, row.observed.revision, row.observed.job_id) == (Phase.PROCESSING, 5, "job1")
    (attempt,) = behind.records.since(VIDEO_ID, floor=0)
    assert (attempt.state, attempt.job_id) == (AttemptState.ACCEPTED, "job1")
    assert behind.kill_switch.calls == ["get", "learn"]


@pytest.mark.parametrize("error", OUTAGES)
def test_no_pass_is_made_over_a_row_that_cannot_be_restored(behind: InMemoryWorld, error: UpstreamError) -> None:
    before, cached = behind.row, cached_in(behind)
    behind.resources.error = error
    with pytest.raises(type(error)):
        adoption(behind, before, cached)
    assert behind.row == before


def test_a_row_that_changed_meanwhile_is_looked_at_again(behind: InMemoryWorld) -> None:
    stale = behind.row
    behind.records.confirm(VIDEO_ID)
    moved = behind.row
    with pytest.raises(ConflictError):
        adoption(behind, stale, cached_in(behind))
    assert behind.row == moved


def test_a_row_that_was_created_meanwhile_is_looked_at_again(behind: InMemoryWorld) -> None:
    before = behind.row
    with pytest.raises(ConflictError):
        adoption(behind, None, cached_in(behind))
    assert behind.row == before


def test_a_cached_resource_that_is_gone_from_the_server_restores_nothing(behind: InMemoryWorld) -> None:
    before, cached = behind.row, cached_in(behind)
    behind.resources.remove(VIDEO_ID)
    assert adoption(behind, before, cached) is before
    assert adoption(behind, None, cached) is None


def test_a_leftover_resource_that_changes_meanwhile_stays_for_the_next_pass(
    behind: InMemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    del behind.records.rows[VIDEO_ID]
    behind.records.tombstones[VIDEO_ID] = 1
    seen = behind.resources.by_name[VIDEO_ID]
    behind.resources.annotate(VIDEO_ID, "by", "a person")
    with monkeypatch.context() as late:
        late.setattr(behind.resources, "get", lambda _: seen)
        with pytest.raises(ConflictError):
            adoption(behind, None, cached_in(behind))
    assert VIDEO_ID in behind.resources.by_name
    assert adoption(behind, None, cached_in(behind)) is None
    assert VIDEO_ID not in behind.resources.by_name


def test_a_refusal_is_written_once_and_posts_one_event() -> None:
    world = InMemoryWorld()
    world.resources.put(VIDEO_ID, storage_key="imports/others/launch.mov")
    assert adoption(world, None, cached_in(world)) is None
    assert world.kill_switch.calls == ["get", "last_attempt", "write_status"]
    assert [reason for *_, reason, _ in world.resources.events] == ["ImportRefused"]
    assert adoption(world, None, cached_in(world)) is None
    assert world.kill_switch.calls == ["get", "last_attempt"]
    assert len(world.resources.events) == 1


def test_an_import_takes_the_age_of_its_resource() -> None:
    world = InMemoryWorld()
    world.resources.put(VIDEO_ID, storage_key=KEY)
    applied_at = world.clock.now()
    world.resources.by_name[VIDEO_ID] = replace(world.resources.by_name[VIDEO_ID], created_at=applied_at)
    world.pass_time(3600)
    row = adoption(world, None, cached_in(world))
    assert row is not None
    assert row.created_at == applied_at
