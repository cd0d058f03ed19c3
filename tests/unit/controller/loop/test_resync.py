"""What the resync finds: rows and resources that differ, whatever was missed before."""

from dataclasses import replace

import pytest

from controller.loop import resync
from controller.loop.resync import Resync
from domain.errors import RefusedError, UnavailableError
from domain.records import Cause, VideoRow
from domain.schedule import Timing
from domain.video import (
    AT_REST,
    PAUSED_ANNOTATION,
    RECONCILE_REQUESTED_ANNOTATION,
    RETRY_REQUESTED_ANNOTATION,
    Origin,
    Phase,
)
from runtime.upstream_breaker import UpstreamHealth
from tests.support.world.watcher import Watcher
from tests.support.world.world import VIDEO_ID


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


def a_crowd(watcher: Watcher, count: int) -> list[str]:
    """Add rows with resources until there are ``count``; returns their names."""
    row = watcher.world.row
    for number in range(count - 1):
        desired = replace(row.desired, video_id=f"{number:026}")
        watcher.world.records.create(desired, row.observed)
        watcher.world.resources.apply(desired)
    return sorted(watcher.world.records.rows)


def test_a_row_without_a_resource_is_found(watcher: Watcher) -> None:
    watcher.world.resources.remove(VIDEO_ID)
    assert watcher.resync.rows() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


def test_a_row_that_its_resource_shows_gets_no_pass(watcher: Watcher) -> None:
    watcher.settle()
    assert watcher.resync.rows() == 0
    assert watcher.take_due() == []


@pytest.mark.parametrize("moved", ["desired", "observation"])
def test_a_row_ahead_of_its_resource_is_found(watcher: Watcher, moved: str) -> None:
    watcher.settle()
    if moved == "desired":
        watcher.world.records.confirm(VIDEO_ID)
    else:
        watcher.world.records.commit(watcher.world.row, watcher.world.row.observed, cause=Cause.POLL)
    assert watcher.resync.rows() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


@pytest.mark.parametrize("half", ["spec", "status"])
def test_a_row_behind_its_resource_is_found(watcher: Watcher, half: str) -> None:
    watcher.settle()
    before = watcher.world.row
    if half == "spec":
        watcher.world.records.confirm(VIDEO_ID)
    else:
        watcher.world.records.commit(before, before.observed, cause=Cause.POLL)
    watcher.world.resources.apply(watcher.world.row.desired)
    watcher.settle()
    assert watcher.resync.rows() == 0
    watcher.world.records.rows[VIDEO_ID] = before
    assert watcher.resync.rows() == 1
    assert watcher.resync.resources() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


@pytest.mark.parametrize("is_a_row", ["missing", "retired", "deleted"])
def test_a_resource_without_a_row_is_found_by_every_resync(watcher: Watcher, is_a_row: str) -> None:
    watcher.settle()
    row = watcher.world.row
    if is_a_row == "missing":
        del watcher.world.records.rows[VIDEO_ID]
    elif is_a_row == "retired":
        watcher.world.records.rows[VIDEO_ID] = replace(row, retired=True)
    else:
        watcher.world.records.rows[VIDEO_ID] = replace(row, desired=replace(row.desired, deleted=True))
    for _ in range(2):
        assert watcher.resync.resources() == 1
        assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


def test_rows_are_read_one_page_at_a_time(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "_PAGE", 2)
    a_crowd(watcher, 5)
    pages, rows_of = list[int](), watcher.world.records.rows_of

    def counted(names: list[str]) -> list[VideoRow]:
        pages.append(len(names))
        return rows_of(names)

    monkeypatch.setattr(watcher.world.records, "rows_of", counted)
    watcher.resync.resources()
    assert pages == [2, 2, 1]


def test_a_row_at_rest_that_its_resource_does_not_show_is_found(watcher: Watcher) -> None:
    watcher.world.create(phase=Phase.READY)
    assert watcher.resync.rows() == 1


@pytest.mark.parametrize("phase", Phase)
def test_a_new_leader_makes_a_pass_over_every_row_not_at_rest(watcher: Watcher, phase: Phase) -> None:
    watcher.world.create(phase=phase)
    watcher.settle()
    assert watcher.resync.rows() == 0
    # Of those that wait for their file, the first list has scheduled the next look.
    is_quiet = phase in AT_REST or phase is Phase.UPLOADING
    assert watcher.resync.all_pending() == (0 if is_quiet else 1)
    assert watcher.take_due() == ([] if is_quiet else [(VIDEO_ID, Cause.SWEEP)])


def test_at_a_start_an_upload_that_waits_for_its_file_is_looked_at_when_its_next_check_is_due(watcher: Watcher) -> None:
    watcher.show()
    assert (watcher.resync.resources(), watcher.resync.all_pending(), watcher.resync.rows()) == (0, 0, 0)
    assert watcher.take_due() == []
    watcher.world.clock.advance(Timing().uploading_first_check_seconds)
    assert watcher.take_due() == [(VIDEO_ID, Cause.POLL)]


@pytest.mark.parametrize("phase", [Phase.READY, Phase.ERRORED])
def test_at_a_start_an_upload_at_rest_gets_no_pass(watcher: Watcher, phase: Phase) -> None:
    watcher.world.create(phase=phase)
    watcher.show()
    assert (watcher.resync.resources(), watcher.resync.all_pending(), watcher.resync.rows()) == (0, 0, 0)
    assert watcher.queue.next_due() is None


@pytest.mark.parametrize("happened", ["confirmed", "deadline", "observed", "paused", "woken", "deleted", "forged"])
def test_at_a_start_what_happened_meanwhile_gets_a_pass_at_once(watcher: Watcher, happened: str) -> None:
    watcher.show()
    world = watcher.world
    match happened:
        case "confirmed":
            world.records.confirm(VIDEO_ID)
        case "deadline":
            world.clock.advance(2 * Timing().uploading_deadline_seconds)
        case "observed":
            world.records.commit(world.row, world.row.observed, cause=Cause.POLL)
        case "paused":
            world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
        case "woken":
            world.resources.annotate(VIDEO_ID, RECONCILE_REQUESTED_ANNOTATION, "now")
        case "deleted":
            world.records.delete(VIDEO_ID)
        case "forged":
            forged = replace(world.resources.by_name[VIDEO_ID], annotations={})
            world.resources.by_name[VIDEO_ID] = forged
    assert watcher.resync.resources() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


def test_a_first_list_that_is_repeated_schedules_what_the_failed_one_has_read(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher.show()
    rows_of = watcher.world.records.rows_of

    def away(_names: list[str]) -> list[VideoRow]:
        monkeypatch.setattr(watcher.world.records, "rows_of", rows_of)
        raise UnavailableError("no answer")

    monkeypatch.setattr(watcher.world.records, "rows_of", away)
    with pytest.raises(UnavailableError):
        watcher.resync.resources()
    assert watcher.resync.resources() == 0
    assert watcher.queue.next_due() is not None


@pytest.mark.parametrize(
    ("phase", "stays_seconds"),
    [(Phase.READY, Timing().retire_ready_seconds), (Phase.ERRORED, Timing().retire_errored_seconds)],
)
def test_a_row_at_rest_for_long_is_retired(watcher: Watcher, phase: Phase, stays_seconds: float) -> None:
    watcher.world.create(phase=phase)
    watcher.settle()
    watcher.world.clock.advance(stays_seconds - 1)
    assert watcher.resync.rows() == 0
    watcher.world.clock.advance(1)
    assert watcher.resync.rows() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


def test_a_row_not_at_rest_is_never_retired(watcher: Watcher) -> None:
    watcher.settle()
    watcher.world.clock.advance(10 * Timing().retire_errored_seconds)
    assert watcher.resync.rows() == 0


def test_an_import_is_never_retired(watcher: Watcher) -> None:
    row = watcher.world.create(phase=Phase.READY)
    watcher.world.records.rows[VIDEO_ID] = replace(row, desired=replace(row.desired, origin=Origin.KUBERNETES))
    watcher.settle()
    watcher.world.clock.advance(10 * Timing().retire_ready_seconds)
    assert watcher.resync.rows() == 0


def test_a_released_import_gets_only_its_purge(watcher: Watcher) -> None:
    row = watcher.world.create(phase=Phase.READY)
    watcher.world.resources.remove(VIDEO_ID)
    released = replace(row.desired, origin=Origin.KUBERNETES, deleted=True)
    watcher.world.records.rows[VIDEO_ID] = replace(row, desired=released, deleted_at=watcher.world.clock.now())
    assert watcher.resync.rows() == 0
    assert watcher.resync.all_pending() == 1
    watcher.world.clock.advance(Timing().retire_ready_seconds)
    assert watcher.resync.rows() == 1


def test_a_deleted_row_is_retired_and_later_purged(watcher: Watcher) -> None:
    watcher.world.records.delete(VIDEO_ID)
    watcher.world.resources.apply(watcher.world.row.desired)
    watcher.settle()
    assert watcher.resync.rows() == 0
    watcher.world.clock.advance(Timing().retire_ready_seconds)
    assert watcher.resync.rows() == 1
    watcher.world.records.rows[VIDEO_ID] = replace(watcher.world.row, retired=True)
    assert watcher.resync.rows() == 0
    watcher.world.clock.advance(Timing().delete_grace_seconds - Timing().retire_ready_seconds)
    assert watcher.resync.rows() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


def test_a_retired_row_gets_no_pass(watcher: Watcher) -> None:
    watcher.world.records.rows[VIDEO_ID] = replace(watcher.world.row, retired=True)
    assert (watcher.resync.rows(), watcher.resync.all_pending()) == (0, 0)


def test_the_list_finds_what_the_watch_missed(watcher: Watcher) -> None:
    assert watcher.resync.resources() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]
    assert watcher.resync.resources() == 0
    assert watcher.take_due() == []
    watcher.world.records.confirm(VIDEO_ID)
    watcher.world.resources.apply(watcher.world.row.desired)
    assert watcher.resync.resources() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


def test_a_listed_status_is_cached_without_a_pass(watcher: Watcher) -> None:
    watcher.resync.resources()
    watcher.take_due()
    watcher.show()
    assert watcher.resync.resources() == 0
    assert watcher.resync.rows() == 0


@pytest.mark.parametrize("annotation", [RECONCILE_REQUESTED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, PAUSED_ANNOTATION])
def test_an_annotation_that_the_watch_missed_gets_a_pass(watcher: Watcher, annotation: str) -> None:
    watcher.settle()
    watcher.world.resources.annotate(VIDEO_ID, annotation, "now")
    watcher.resync.resources()
    watcher.resync.rows()
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]


def test_a_resource_deleted_unseen_is_forgotten_and_its_row_gets_a_pass(watcher: Watcher) -> None:
    watcher.settle()
    watcher.world.resources.remove(VIDEO_ID)
    assert watcher.resync.resources() == 1
    assert watcher.take_due() == [(VIDEO_ID, Cause.SWEEP)]
    assert watcher.cache.names() == set()
    assert watcher.resync.resources() == 0


@pytest.mark.parametrize("count", [3, 4, 5])
def test_every_page_is_read(watcher: Watcher, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "_PAGE", 2)
    names = a_crowd(watcher, count)
    for half in (watcher.resync.rows, watcher.resync.all_pending, watcher.resync.resources):
        assert half() == count
        assert sorted(watcher.take_due()) == [(name, Cause.SWEEP) for name in names]
    assert watcher.cache.names() == set(names)


@pytest.mark.parametrize("error", [UnavailableError("no answer"), RefusedError("HTTP 403")])
def test_a_list_that_fails_forgets_nothing(watcher: Watcher, error: UnavailableError | RefusedError) -> None:
    watcher.settle()
    watcher.world.resources.error = error
    with pytest.raises(type(error)):
        watcher.resync.resources()
    assert watcher.cache.names() == {VIDEO_ID}
    assert watcher.take_due() == []


def test_a_list_that_fails_between_pages_forgets_nothing(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resync, "_PAGE", 2)
    names = a_crowd(watcher, 4)
    watcher.resync.resources()
    pages = watcher.world.resources.pages(page_size=2)

    def broken(**_: object) -> object:
        yield next(pages)
        raise UnavailableError("no answer")

    monkeypatch.setattr(watcher.world.resources, "pages", broken)
    with pytest.raises(UnavailableError):
        watcher.resync.resources()
    assert watcher.cache.names() == set(names)


def waiting_for_a_job(watcher: Watcher) -> list[str]:
    """Let three uploads wait for a job, shown by their resources, and one for its file."""
    names = a_crowd(watcher, 4)
    for name in names[:3]:
        row = watcher.world.records.rows[name]
        watcher.world.records.rows[name] = replace(row, observed=replace(row.observed, phase=Phase.UPLOADED))
    for name in names:
        resource = watcher.world.resources.by_name[name]
        status = {"revision": watcher.world.records.rows[name].observed.revision, "observedGeneration": 1}
        watcher.cache.note(watcher.world.resources.write_status(resource, status))
    return names[:3]


def test_what_waits_for_a_job_tries_storage_one_by_one_and_continues_once_it_is_back(watcher: Watcher) -> None:
    names = waiting_for_a_job(watcher)
    health = [UpstreamHealth.AVAILABLE]
    deps = replace(watcher.world.deps, storage_health=lambda: health[0])
    resynced = Resync(deps, watcher.cache, watcher.queue, clock=watcher.world.clock.now)
    assert resynced.rows() == 0
    for name, state in zip(names, (UpstreamHealth.AWAY, UpstreamHealth.REFUSES_KEY), strict=False):
        health[0] = state
        assert resynced.rows() == 1
        assert watcher.take_due() == [(name, Cause.SWEEP)]
    health[0] = UpstreamHealth.AVAILABLE
    assert resynced.rows() == 3
    assert sorted(name for name, _ in watcher.take_due()) == names
    assert resynced.rows() == 0
