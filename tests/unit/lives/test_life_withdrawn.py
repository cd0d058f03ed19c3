"""Deleted means withdrawn: no file of a deleted video stays public, and a restore brings each back for nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from controller.actions import publication
from controller.audit.findings import FindingType
from domain import object_keys
from domain.failures import FailureCode
from domain.video import PAUSED_ANNOTATION, Phase
from tests.support.fakes.storage import StoredObject
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import stream
from tests.support.world.auditor import Auditor, kinds
from tests.support.world.dumps import Dump
from tests.support.world.endings import a_world, assert_ends_errored, assert_ends_ready, assert_playable
from tests.support.world.operator import Process, live, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld


def public(world: InMemoryWorld) -> Mapping[str, StoredObject]:
    """Return what anybody can read: all below the public prefix."""
    return {key: stored for key, stored in world.storage.processed.items() if key.startswith("processed/")}


def with_two_editions() -> InMemoryWorld:
    """Return a world whose first attempt broke after it wrote most files, with two editions on top."""
    world = a_world(Script(job_ends=[JobEnd.LEAVES_HOLES]))
    live(world)
    world.records.ask_for_edition(VIDEO_ID)
    live(world)
    assert len({key.split("/")[2] for key in public(world) if key.count("/") > 2}) == 3
    return world


def errored() -> InMemoryWorld:
    """Return a world whose jobs all left holes."""
    world = a_world(Script(job_ends=[JobEnd.LEAVES_HOLES] * 3))
    live(world)
    assert world.row.observed.phase is Phase.ERRORED
    return world


@pytest.mark.parametrize("begin", [with_two_editions, errored])
def test_a_deleted_video_keeps_no_public_file_and_a_restore_brings_all_back(begin: Callable[[], InMemoryWorld]) -> None:
    world = begin()
    before, phase, jobs = dict(public(world)), world.row.observed.phase, len(world.transcoder.jobs)
    world.records.delete(VIDEO_ID)
    settled(world)
    assert not public(world)
    assert not world.row.observed.is_playable

    world.records.restore(VIDEO_ID)
    settled(world)
    assert {key: stored.body for key, stored in public(world).items()} == {
        key: stored.body for key, stored in before.items()
    }
    assert (world.row.observed.phase, len(world.transcoder.jobs)) == (phase, jobs)
    assert not world.row.observed.is_withdrawn


@pytest.mark.parametrize("comes_back", [False, True], ids=["deleted", "deleted-and-restored"])
def test_killed_at_any_moment_of_it_the_end_is_the_same(comes_back: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "_FILES_IN_A_PASS", 3)

    def doomed() -> InMemoryWorld:
        world = a_world()
        live(world)
        world.records.delete(VIDEO_ID)
        if comes_back:
            settled(world)
            world.records.restore(VIDEO_ID)
        world.kill_switch.forget()
        return world

    pattern = doomed()
    settled(pattern)
    for moment in range(1, pattern.kill_switch.moments + 1, 3):
        world = doomed()
        world.kill_switch.arm(moment)
        settled(world)
        assert bool(public(world)) is comes_back, moment
        if comes_back:
            assert_ends_ready(world)


def test_a_video_restored_while_its_files_are_being_withdrawn_plays_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publication, "_FILES_IN_A_PASS", 2)
    world = a_world()
    live(world)
    everything = len(public(world))
    world.records.delete(VIDEO_ID)
    process = Process(world)
    process.begin()
    while not 0 < len(public(world)) < everything - 3:
        process.step()
    world.records.restore(VIDEO_ID)
    settled(world)
    assert_ends_ready(world)


def brought_back() -> InMemoryWorld:
    """Return a restored video whose files are all back, right before a pass looks at them."""
    world = a_world()
    live(world)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.records.restore(VIDEO_ID)
    process = Process(world)
    process.begin()
    while world.row.observed.is_withdrawn:
        process.step()
    assert not world.row.observed.is_playable
    return world


@pytest.mark.parametrize("at_most", [1, 3, 1_000])
def test_a_video_whose_files_a_late_process_withdraws_after_its_restore_plays_again(at_most: int) -> None:
    world = brought_back()
    # An audit, or a frozen pass, that read the row before the restore.
    world.storage.withdraw(VIDEO_ID, at_most=at_most)
    settled(world)
    assert_ends_ready(world)
    assert not world.storage.has_withdrawn(VIDEO_ID)
    assert len(world.transcoder.jobs) == 1


def test_a_video_whose_withdrawn_files_come_back_while_it_is_judged_plays_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = brought_back()
    world.storage.withdraw(VIDEO_ID, at_most=1)
    has_withdrawn = world.storage.has_withdrawn

    def asked_too_late(video_id: str) -> bool:
        # The audit that withdrew them late brings them back itself.
        world.storage.bring_back(video_id, at_most=1_000, is_private=False)
        return has_withdrawn(video_id)

    monkeypatch.setattr(world.storage, "has_withdrawn", asked_too_late)
    settled(world)
    assert_ends_ready(world)


def test_a_restored_video_whose_files_are_gone_ends_errored() -> None:
    world = brought_back()
    for key in public(world):
        world.storage.remove_file(key)
    settled(world)
    assert_ends_errored(world, FailureCode.OUTPUTS_INVALID, jobs=1)


def test_a_paused_video_is_brought_back_too() -> None:
    world = a_world()
    live(world)
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    world.records.delete(VIDEO_ID)
    settled(world)
    assert not public(world)
    world.records.restore(VIDEO_ID)
    settled(world)
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    settled(world)
    assert_ends_ready(world)


def test_a_video_deleted_before_anything_was_public_is_marked_until_it_is_restored() -> None:
    world = a_world()
    world.records.delete(VIDEO_ID)
    settled(world)
    assert world.storage.marks(VIDEO_ID).deleted_revision == world.row.desired.revision
    world.records.restore(VIDEO_ID)
    settled(world)
    assert world.storage.marks(VIDEO_ID).deleted_revision is None
    assert_ends_ready(world)


@pytest.mark.parametrize("mode", ["light", "full"])
def test_the_audit_withdraws_outputs_written_after_the_deletion(mode: str) -> None:
    world = a_world()
    live(world)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.storage.put_outputs(VIDEO_ID, "2-abcdefghijklmnop", stream())
    auditor = Auditor(world)
    report = getattr(auditor, mode)()
    assert kinds(report) == {FindingType.PUBLIC_THOUGH_DELETED}
    assert not public(world)
    assert not getattr(auditor, mode)().found


def test_a_video_deleted_by_an_earlier_release_is_withdrawn_at_the_next_pass() -> None:
    world = a_world()
    live(world)
    world.records.delete(VIDEO_ID)
    world.storage.remove_published(VIDEO_ID)
    world.records.rows[VIDEO_ID] = replace(world.row, observed=replace(world.row.observed, is_playable=False))
    settled(world)
    assert not public(world)
    world.records.restore(VIDEO_ID)
    settled(world)
    assert_ends_ready(world)


def test_the_purge_leaves_no_withdrawn_file() -> None:
    world = a_world()
    live(world)
    world.records.delete(VIDEO_ID)
    settled(world)
    assert any(key.startswith(object_keys.WITHDRAWN_PREFIX) for key in world.storage.processed)
    world.pass_time(world.timing.delete_grace_seconds)
    settled(world)
    assert not world.storage.processed


def test_without_a_mark_a_lost_deletion_is_only_reported() -> None:
    """The release that first withdrew files left no marks."""
    world = a_world()
    live(world)
    before = Dump(world.records)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.storage.marked.clear()
    before.restore(world.records)
    report = Auditor(world).full()
    assert kinds(report) == {FindingType.DELETION_LOST}
    assert not report.is_clean()
    assert not world.row.desired.deleted


@pytest.mark.parametrize("mode", ["light", "full"])
def test_a_dump_from_before_the_deletion_makes_nothing_public_and_buys_nothing(mode: str) -> None:
    world = a_world()
    live(world)
    before = Dump(world.records)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.pass_time(world.timing.retire_ready_seconds)
    settled(world)
    before.restore(world.records)
    auditor = Auditor(world)
    report = getattr(auditor, mode)()
    assert kinds(report) == {FindingType.DELETION_LOST}
    assert report.is_clean()
    settled(world)
    assert not public(world)
    assert world.row.desired.deleted

    world.records.restore(VIDEO_ID)
    settled(world)
    assert_playable(world)
    assert len(world.transcoder.jobs) == 1
