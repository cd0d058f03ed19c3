"""Failed uploads are kept for a while but not indefinitely: first their file goes, then the upload itself."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.actions import lifecycle
from controller.audit.findings import FindingType, RepairResult
from controller.audit.limits import AuditRules
from domain.schedule import Timing
from domain.video import PAUSED_ANNOTATION, Phase, Reason
from tests.support.fakes.resources import NAMESPACE
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.world.auditor import Auditor, entry_of, kinds
from tests.support.world.endings import assert_playable
from tests.support.world.operator import killed_at_each_moment, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

HOUR = 3600.0
KEPT = Timing(
    uploading_deadline_seconds=HOUR / 2,
    uploaded_deadline_seconds=HOUR,
    processing_deadline_seconds=HOUR,
    retire_errored_seconds=2 * HOUR,
    errored_file_seconds=24 * HOUR,
    delete_grace_seconds=24 * HOUR,
).model_copy(update={"errored_row_seconds": 72 * HOUR})


def rejected() -> InMemoryWorld:
    """Return a world whose client sent what is no video."""
    return _failed(InMemoryWorld(timing=KEPT), b"this is a text")


def broken() -> InMemoryWorld:
    """Return a world whose video was accepted, and whose jobs left holes."""
    return _failed(InMemoryWorld(Script(job_ends=[JobEnd.LEAVES_HOLES] * 3), KEPT), None)


def _failed(world: InMemoryWorld, body: bytes | None) -> InMemoryWorld:
    world.create()
    world.send_file(body)
    settled(world)
    assert world.row.observed.phase is Phase.ERRORED
    assert world.storage.raw
    return world


def wait(world: InMemoryWorld, hours: float) -> None:
    """Let time pass, and restart the operator."""
    world.pass_time(hours * HOUR)
    settled(world)


both = pytest.mark.parametrize("begin", [rejected, broken])


@both
def test_a_failed_uploads_file_is_removed_after_its_retention(begin: Callable[[], InMemoryWorld]) -> None:
    world = begin()
    wait(world, 22)
    assert world.storage.raw

    wait(world, 3)
    assert not world.storage.raw
    assert (world.row.observed.phase, world.row.observed.reason) == (Phase.ERRORED, Reason.FILE_REMOVED)
    assert world.row.observed.source is None
    assert world.row.retired


@both
def test_the_row_is_deleted_after_a_longer_one_and_purged_like_any_other(begin: Callable[[], InMemoryWorld]) -> None:
    world = begin()
    wait(world, 25)
    wait(world, 46)
    assert not world.row.desired.deleted

    wait(world, 2)
    assert world.row.desired.deleted
    assert VIDEO_ID in world.records.rows

    wait(world, 25)
    assert VIDEO_ID not in world.records.rows
    assert VIDEO_ID in world.records.tombstones
    assert not world.storage.raw
    assert not world.storage.processed
    assert VIDEO_ID not in world.resources.by_name


@both
def test_killed_at_any_moment_of_it_nothing_is_left(
    begin: Callable[[], InMemoryWorld], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "_FILES_IN_A_PASS", 2)

    def over(world: InMemoryWorld) -> None:
        for hours in (25, 50, 25):
            wait(world, hours)

    for world in killed_at_each_moment(begin, over):
        assert not world.records.rows
        assert not world.storage.raw
        assert not world.storage.processed


def test_a_retry_before_needs_no_other_file_and_one_after_takes_another() -> None:
    world = broken()
    wait(world, 22)
    world.records.retry(VIDEO_ID)
    settled(world)
    assert_playable(world)
    assert len(world.transcoder.jobs) == 4

    world = broken()
    wait(world, 25)
    world.records.retry(VIDEO_ID)
    settled(world, meanwhile=lambda: None if world.storage.raw else world.send_file())
    assert_playable(world)
    assert len(world.transcoder.jobs) == 4


def test_a_playable_edition_keeps_file_and_row() -> None:
    world = InMemoryWorld(Script(job_ends=[JobEnd.COMPLETES] + [JobEnd.LEAVES_HOLES] * 3), KEPT)
    world.create()
    world.send_file()
    settled(world)
    world.records.ask_for_edition(VIDEO_ID)
    settled(world)
    assert (world.row.observed.phase, world.row.observed.is_playable) == (Phase.ERRORED, True)

    wait(world, 25)
    wait(world, 100)
    assert world.storage.raw
    assert not world.row.desired.deleted


def test_an_import_that_is_applied_keeps_file_and_row() -> None:
    world = InMemoryWorld(timing=KEPT)
    key = f"imports/{NAMESPACE}/launch.mov"
    world.resources.put(VIDEO_ID, storage_key=key)
    world.storage.put_raw(key, b"this is a text")
    settled(world)
    assert world.row.observed.phase is Phase.ERRORED

    wait(world, 25)
    wait(world, 100)
    assert key in world.storage.raw
    assert VIDEO_ID in world.resources.by_name


def test_a_paused_upload_is_kept() -> None:
    world = rejected()
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    world.records.rows[VIDEO_ID] = replace(world.row, retired=False)
    wait(world, 25)
    wait(world, 100)
    assert world.storage.raw
    assert not world.row.desired.deleted


def test_a_restored_upload_is_kept_as_long_again() -> None:
    world = rejected()
    wait(world, 25)
    wait(world, 50)
    assert world.row.desired.deleted
    world.records.restore(VIDEO_ID)
    settled(world)
    wait(world, 70)
    assert not world.row.desired.deleted
    wait(world, 3)
    assert world.row.desired.deleted


def test_a_file_that_a_later_try_sent_is_not_removed_by_a_delayed_process() -> None:
    world = broken()
    before = world.clock.now()
    world.pass_time(60)
    world.send_file()
    assert world.storage.remove_originals(VIDEO_ID, before=before, at_most=9)
    assert list(world.storage.raw) == [world.row.desired.storage_key]


def test_the_audit_counts_files_kept_too_long_and_removes_late_ones() -> None:
    world = rejected()
    auditor = Auditor(world, AuditRules(timing=KEPT))
    assert kinds(auditor.full()) == set()
    world.pass_time(25 * HOUR)
    assert auditor.full().found == {FindingType.RETENTION_OVERDUE: 1}
    settled(world)
    assert kinds(auditor.full()) == set()

    world.send_file()
    assert entry_of(auditor.full(), FindingType.UPLOAD_LEFT_OVER).result is RepairResult.APPLIED
    assert not world.storage.raw
    world.pass_time(50 * HOUR)
    assert auditor.full().found == {FindingType.RETENTION_OVERDUE: 1}
