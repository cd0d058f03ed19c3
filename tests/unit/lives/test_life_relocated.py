"""Who can play a video is changed: its files move, it plays all along, and nothing private is left public."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from controller.actions import relocation
from controller.audit.findings import FindingType
from domain import object_keys
from domain.captions import CaptionTrack, digest_of
from domain.errors import UnavailableError
from domain.video import PAUSED_ANNOTATION, Phase, Visibility
from tests.support.fakes.resources import NAMESPACE
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import mp4, stream
from tests.support.world.auditor import Auditor, kinds
from tests.support.world.dumps import Dump
from tests.support.world.endings import a_world, assert_ends_ready, assert_playable, assert_shown
from tests.support.world.operator import Process, live, run_until, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

KEY = f"imports/{NAMESPACE}/films/launch.mov"
PUBLIC, PRIVATE = Visibility.PUBLIC, Visibility.PRIVATE
OTHER = {PUBLIC: PRIVATE, PRIVATE: PUBLIC}
TEXT = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"


@pytest.fixture(autouse=True)
def _few_files_in_a_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relocation, "_FILES_IN_A_PASS", 3)


def below(world: InMemoryWorld, visibility: Visibility) -> dict[str, bytes]:
    """Return the video's files where those of this visibility lie, by name."""
    prefix = object_keys.video_prefix(VIDEO_ID, is_private=visibility is PRIVATE)
    files = world.storage.processed.items()
    return {key.removeprefix(prefix): stored.body for key, stored in files if key.startswith(prefix)}


def ready(visibility: Visibility = PUBLIC, script: Script | None = None) -> InMemoryWorld:
    """Return a world whose video is ready, with captions."""
    world = a_world(script, visibility=visibility)
    live(world)
    world.records.put_captions(VIDEO_ID, CaptionTrack("en", "English", True, digest_of(TEXT)), TEXT)
    settled(world)
    world.kill_switch.forget()
    return world


def imported() -> InMemoryWorld:
    """Return a world whose video was imported, and is ready."""
    world = InMemoryWorld()
    world.storage.put_raw(KEY, mp4())
    apply(world)
    live(world)
    return world


def apply(world: InMemoryWorld, **spec: Any) -> None:
    """Apply the import, again."""
    world.resources.put(VIDEO_ID, storage_key=KEY, **spec)


def change(world: InMemoryWorld, visibility: Visibility) -> None:
    world.records.set_visibility(VIDEO_ID, visibility)


def passes(world: InMemoryWorld) -> Iterator[None]:
    """Make passes until nothing is due; yield after each."""
    process = Process(world)
    process.begin()
    while not process.is_idle():
        process.step()
        yield


def after_passes(world: InMemoryWorld, made: int) -> None:
    """Make so many passes, or fewer if nothing is due before."""
    for _ in islice(passes(world), made):
        pass


def assert_plays(world: InMemoryWorld) -> None:
    """The stream can be played where its row says that it is."""
    is_private, published = world.row.observed.is_private, world.row.observed.published
    assert published is not None
    assert world.row.observed.is_playable
    assert world.storage.read_playlist(VIDEO_ID, is_private=is_private) is not None
    there = below(world, PRIVATE if is_private else PUBLIC)
    assert all(rendition.uri in there for rendition in published.renditions)


@pytest.mark.parametrize("before", [PUBLIC, PRIVATE])
def test_all_files_move_and_the_video_plays_all_along(before: Visibility) -> None:
    world, after = ready(before), OTHER[before]
    files = below(world, before)
    assert any(name.startswith("captions/") for name in files)
    change(world, after)
    for _ in passes(world):
        assert_plays(world)
    assert (below(world, after), below(world, before)) == (files, {})
    assert_ends_ready(world)
    assert Auditor(world).full().is_clean()


def test_the_public_playlist_goes_before_the_other_public_files() -> None:
    world = ready(PUBLIC)
    change(world, PRIVATE)
    for _ in passes(world):
        if world.row.observed.is_private and len(below(world, PUBLIC)) < len(below(world, PRIVATE)):
            break
    assert world.storage.read_playlist(VIDEO_ID, is_private=False) is None
    assert below(world, PUBLIC)


@pytest.mark.parametrize("before", [PUBLIC, PRIVATE])
def test_killed_at_any_moment_the_end_is_the_same(before: Visibility) -> None:
    def changed() -> InMemoryWorld:
        world = ready(before)
        change(world, OTHER[before])
        return world

    pattern = changed()
    settled(pattern)
    for moment in range(1, pattern.kill_switch.moments + 1):
        world = changed()
        files = below(world, before)
        world.kill_switch.arm(moment)
        settled(world)
        assert (below(world, OTHER[before]), below(world, before)) == (files, {}), moment
        assert_ends_ready(world)


@pytest.mark.parametrize("before", [PUBLIC, PRIVATE])
@pytest.mark.parametrize("made", range(1, 12))
def test_the_owner_may_change_it_back_at_any_moment(before: Visibility, made: int) -> None:
    world = ready(before)
    files = below(world, before)
    change(world, OTHER[before])
    for number, _ in enumerate(passes(world), 1):
        assert_plays(world)
        if number == made:
            break
    change(world, before)
    for _ in passes(world):
        assert_plays(world)
    assert (below(world, before), below(world, OTHER[before])) == (files, {})
    assert_ends_ready(world)


@pytest.mark.parametrize("then", ["stays", "restored", "purged"])
@pytest.mark.parametrize("before", [PUBLIC, PRIVATE])
@pytest.mark.parametrize("made", range(1, 12, 2))
def test_a_deletion_during_it_withdraws_both(before: Visibility, made: int, then: str) -> None:
    world = ready(before)
    files = below(world, before)
    change(world, OTHER[before])
    after_passes(world, made)
    world.records.delete(VIDEO_ID)
    settled(world)
    assert (below(world, PUBLIC), below(world, PRIVATE)) == ({}, {})
    if then == "purged":
        world.pass_time(world.timing.delete_grace_seconds)
        settled(world)
        assert not world.storage.processed
    if then == "restored":
        world.records.restore(VIDEO_ID)
        settled(world)
        assert (below(world, OTHER[before]), below(world, before)) == (files, {})
        assert_ends_ready(world)


@pytest.mark.parametrize("made", range(1, 12, 2))
def test_a_deletion_undone_before_it_withdrew_all_leaves_no_public_copy(made: int) -> None:
    world = ready(PUBLIC)
    files = below(world, PUBLIC)
    change(world, PRIVATE)
    after_passes(world, made)
    world.records.delete(VIDEO_ID)
    for _ in zip(range(2), passes(world), strict=False):
        pass
    world.records.restore(VIDEO_ID)
    settled(world)
    assert (below(world, PRIVATE), below(world, PUBLIC)) == (files, {})
    assert_ends_ready(world)


@pytest.mark.parametrize("made", range(1, 12, 2))
def test_an_edition_requested_during_it_waits_and_lies_with_the_others(made: int) -> None:
    world = ready(PUBLIC)
    change(world, PRIVATE)
    after_passes(world, made)
    world.records.ask_for_edition(VIDEO_ID)
    settled(world)
    assert not below(world, PUBLIC)
    assert [job.order.is_private for job in world.transcoder.jobs.values()] == [False, True]
    assert_ends_ready(world, jobs=2)


def test_during_an_edition_it_waits_for_its_end() -> None:
    world = ready(PUBLIC)
    world.records.ask_for_edition(VIDEO_ID)
    process = run_until(world, lambda world: world.row.observed.phase is Phase.PROCESSING)
    change(world, PRIVATE)
    while world.row.observed.edition < 2 or not world.row.observed.is_relocating:
        assert not below(world, PRIVATE)
        process.step()
    settled(world)
    assert not below(world, PUBLIC)
    assert_ends_ready(world, jobs=2)


def test_before_the_first_attempt_nothing_moves() -> None:
    world = a_world(visibility=PUBLIC)
    change(world, PRIVATE)
    live(world)
    assert not below(world, PUBLIC)
    assert world.row.observed.revision < 10
    assert_ends_ready(world)


def test_what_failed_attempts_left_moves_too() -> None:
    world = a_world(Script(job_ends=[JobEnd.LEAVES_HOLES] * 3))
    live(world)
    left = below(world, PUBLIC)
    assert left
    change(world, PRIVATE)
    settled(world)
    assert (below(world, PRIVATE), below(world, PUBLIC)) == (left, {})
    failed = world.row.observed
    assert failed.phase is Phase.ERRORED
    assert_shown(world)
    world.records.retry(VIDEO_ID)
    settled(world)
    assert not below(world, PUBLIC)
    assert_playable(world)


def test_while_it_moves_people_see_why_and_a_pause_does_not_keep_copies_public() -> None:
    world = ready(PUBLIC)
    change(world, PRIVATE)
    process = Process(world)
    process.begin()
    while not world.row.observed.is_relocating:
        process.step()
    status = world.resources.by_name[VIDEO_ID].status
    assert status is not None
    assert (status["phase"], status["reason"]) == ("ready", "Moving")
    assert status["waitingFor"].startswith("its files to be moved")
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    assert not below(world, PUBLIC)
    assert world.row.observed.is_paused


def test_a_paused_video_moves_once_the_pause_ends() -> None:
    world = ready(PUBLIC)
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    change(world, PRIVATE)
    settled(world)
    assert below(world, PUBLIC)
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    settled(world)
    assert not below(world, PUBLIC)


def test_storage_that_is_away_delays_it_and_breaks_nothing() -> None:
    world = ready(PUBLIC)
    files = below(world, PUBLIC)
    change(world, PRIVATE)
    process = Process(world)
    process.begin()
    while not below(world, PRIVATE):
        process.step()
    world.storage.error = UnavailableError("storage is away")
    for _ in range(5):
        process.step()
    world.storage.error = None
    settled(world)
    assert (below(world, PRIVATE), below(world, PUBLIC)) == (files, {})
    assert_ends_ready(world)


def test_a_retired_video_comes_back_to_move() -> None:
    world = ready(PUBLIC)
    world.pass_time(world.timing.retire_ready_seconds)
    settled(world)
    assert VIDEO_ID not in world.resources.by_name
    change(world, PRIVATE)
    settled(world)
    assert not below(world, PUBLIC)
    assert_playable(world)
    assert VIDEO_ID not in world.resources.by_name


def test_an_import_follows_its_resource() -> None:
    world = imported()
    apply(world, visibility="private")
    settled(world)
    assert not below(world, PUBLIC)
    assert_ends_ready(world)
    apply(world)
    settled(world)
    assert not below(world, PRIVATE)
    assert_ends_ready(world)


def test_an_import_under_the_name_of_a_purged_one_is_private_from_the_start() -> None:
    world = imported()
    world.resources.remove(VIDEO_ID)
    settled(world)
    world.pass_time(world.timing.delete_grace_seconds)
    settled(world)
    assert VIDEO_ID not in world.records.rows
    world.storage.put_raw(KEY, mp4())
    apply(world, visibility="private")
    settled(world)
    assert [job.order.is_private for job in world.transcoder.jobs.values()] == [False, True]


@pytest.mark.parametrize("mode", ["light", "full"])
def test_what_a_job_writes_after_its_video_became_private_does_not_stay_public(mode: str) -> None:
    world = ready(PUBLIC)
    change(world, PRIVATE)
    settled(world)
    world.storage.put_outputs(VIDEO_ID, "1-abcdefghijklmnop", stream())
    auditor = Auditor(world)
    report = getattr(auditor, mode)()
    assert kinds(report) == {FindingType.PUBLIC_THOUGH_PRIVATE}
    assert report.is_clean()
    assert not below(world, PUBLIC)
    assert_playable(world)


def test_a_playlist_that_an_audit_writes_while_its_video_moves_is_removed() -> None:
    world = ready(PUBLIC)
    del world.storage.processed[object_keys.stable_playlist_key(VIDEO_ID)]
    auditor = Auditor(world)
    write = world.storage.write_playlist

    def moved_meanwhile(*args: Any, **kwargs: Any) -> None:
        world.storage.write_playlist = write  # type: ignore[method-assign]
        change(world, PRIVATE)
        settled(world)
        write(*args, **kwargs)

    world.storage.write_playlist = moved_meanwhile  # type: ignore[method-assign]
    auditor.light()
    assert not below(world, PUBLIC)
    assert_playable(world)


@pytest.mark.parametrize("mode", ["light", "full"])
def test_a_dump_from_before_it_makes_nothing_public_and_buys_nothing(mode: str) -> None:
    world = ready(PUBLIC)
    files = below(world, PUBLIC)
    before = Dump(world.records)
    change(world, PRIVATE)
    settled(world)
    world.pass_time(world.timing.retire_ready_seconds)
    settled(world)
    before.restore(world.records)
    report = getattr(Auditor(world), mode)()
    assert kinds(report) == {FindingType.VISIBILITY_LOST}
    settled(world)
    assert (below(world, PRIVATE), below(world, PUBLIC)) == (files, {})
    change(world, PRIVATE)
    settled(world)
    assert (below(world, PRIVATE), below(world, PUBLIC)) == (files, {})
    assert_playable(world)
    assert len(world.transcoder.jobs) == 1


@pytest.mark.parametrize("made", range(1, 12))
def test_a_dump_from_the_middle_of_it_loses_no_file(made: int) -> None:
    world = ready(PUBLIC)
    files = below(world, PUBLIC)
    change(world, PRIVATE)
    after_passes(world, made)
    middle = Dump(world.records)
    settled(world)
    world.pass_time(world.timing.retire_ready_seconds)
    settled(world)
    middle.restore(world.records)
    settled(world)
    assert (below(world, PRIVATE), below(world, PUBLIC)) == (files, {})
    assert len(world.transcoder.jobs) == 1


@pytest.mark.parametrize("made", range(1, 12))
def test_a_dump_from_when_it_was_changed_back_loses_no_file(made: int) -> None:
    """The row then removes copies that a later change has made the only ones."""
    world = ready(PUBLIC)
    files = below(world, PUBLIC)
    change(world, PRIVATE)
    after_passes(world, made)
    change(world, PUBLIC)
    middle = Dump(world.records)
    change(world, PRIVATE)
    settled(world)
    world.pass_time(world.timing.retire_ready_seconds)
    settled(world)
    middle.restore(world.records)
    settled(world)
    assert {**below(world, PRIVATE), **below(world, PUBLIC)} == files
    assert len(world.transcoder.jobs) == 1


def a_world_that_lost_its_outputs() -> InMemoryWorld:
    world = ready(PUBLIC)
    lost = [key for key in world.storage.processed if key.endswith(".ts")]
    del world.storage.processed[lost[0]]
    return world


def test_a_broken_stream_moves_as_it_is() -> None:
    world = a_world_that_lost_its_outputs()
    files = below(world, PUBLIC)
    change(world, PRIVATE)
    settled(world)
    assert (below(world, PRIVATE), below(world, PUBLIC)) == (files, {})


def test_a_broken_stream_that_was_deleted_and_restored_is_not_left_public() -> None:
    world = a_world_that_lost_its_outputs()
    world.records.delete(VIDEO_ID)
    settled(world)
    world.records.restore(VIDEO_ID)
    settled(world)
    assert world.row.observed.phase is Phase.ERRORED
    change(world, PRIVATE)
    settled(world)
    assert not below(world, PUBLIC)
    assert below(world, PRIVATE)
