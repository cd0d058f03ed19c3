"""Lives of imports: a person applies a resource for a file that is already there, and a row follows it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from domain.errors import UnavailableError
from domain.failures import FailureCode
from domain.records import Cause
from domain.video import PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, Origin, Phase
from tests.support.fakes.resources import NAMESPACE
from tests.support.fakes.transcoder import JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.dumps import Dump
from tests.support.world.endings import HASTY, assert_ends_errored, assert_ends_ready, assert_playable, assert_shown
from tests.support.world.operator import Process, killed_at_each_moment, live, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

KEY = f"imports/{NAMESPACE}/films/launch.mov"
OTHER_KEY = f"imports/{NAMESPACE}/films/second.mov"
HALF_AN_HOUR = 1800.0


def a_world_with_an_import(script: Script | None = None, *, storage_key: str = KEY, **spec: Any) -> InMemoryWorld:
    """Return a world in which a user has put a file and applied a resource, and no pass was made."""
    world = InMemoryWorld(script, HASTY)
    world.storage.put_raw(storage_key, mp4())
    world.resources.put(VIDEO_ID, storage_key=storage_key, **spec)
    return world


def apply(world: InMemoryWorld, **spec: Any) -> None:
    """Apply the import again."""
    world.resources.put(VIDEO_ID, storage_key=KEY, **spec)


def shown(world: InMemoryWorld) -> dict[str, Any]:
    status = world.resources.by_name[VIDEO_ID].status
    assert status is not None
    return dict(status)


def test_an_import_becomes_playable() -> None:
    world = a_world_with_an_import(title="Launch", owner="user-1")
    said = world.resources.by_name[VIDEO_ID].spec
    live(world)
    assert_ends_ready(world)
    assert (world.row.desired.origin, world.row.desired.title) == (Origin.KUBERNETES, "Launch")
    assert world.resources.by_name[VIDEO_ID].spec == said
    assert "apply" not in world.kill_switch.calls


def test_an_import_may_be_applied_before_its_file_arrives() -> None:
    world = InMemoryWorld(timing=HASTY)
    world.resources.put(VIDEO_ID, storage_key=KEY)
    process = Process(world)
    process.begin()
    process.step()
    assert shown(world)["whatToDo"] == "Put the file at the key that spec.source.storageKey names."
    world.storage.put_raw(KEY, mp4())
    live(world)
    assert_ends_ready(world)


def test_an_import_stays_in_the_cluster_for_good() -> None:
    world = a_world_with_an_import()
    live(world)
    world.pass_time(HASTY.retire_ready_seconds * 5)
    settled(world)
    assert not world.row.retired
    assert_ends_ready(world)


def moments_of_a_life(**spec: Any) -> range:
    world = a_world_with_an_import(**spec)
    settled(world)
    return range(1, world.kill_switch.moments + 1)


def test_an_import_killed_at_any_moment_is_bought_once() -> None:
    for world in killed_at_each_moment(a_world_with_an_import):
        assert_playable(world)
        assert len(world.transcoder.jobs) == 1


def test_an_import_whose_row_is_lost_at_any_moment_is_bought_once() -> None:
    for moment in moments_of_a_life()[::3]:
        world = a_world_with_an_import()
        happening(world, moment, Dump(world.records).restore, world.records)
        live(world)
        assert_ends_ready(world)


def happening(world: InMemoryWorld, moment: int, act: Callable[..., None], *arguments: object) -> None:
    world.kill_switch.happens = {moment: lambda: act(*arguments)}


@pytest.mark.parametrize(
    "storage_key",
    [
        pytest.param("imports/others/launch.mov", id="another-namespace"),
        pytest.param(f"imports/{NAMESPACE}/../others/launch.mov", id="a-way-around"),
        pytest.param(f"uploads/{VIDEO_ID}/original.mov", id="a-clients-file"),
    ],
)
def test_a_file_of_another_namespace_is_refused_visibly_and_never_touched(storage_key: str) -> None:
    world = a_world_with_an_import(storage_key=storage_key)
    settled(world)
    assert not world.records.rows
    status = shown(world)
    assert (status["phase"], status["reason"]) == (Phase.ERRORED, "ImportRefused")
    assert f"imports/{NAMESPACE}/" in status["message"]
    assert [(kind, reason) for _, kind, reason, _ in world.resources.events] == [("Warning", "ImportRefused")]
    assert not {"head", "verify_source", "start"} & set(world.kill_switch.calls)
    first = world.resources.by_name[VIDEO_ID]
    settled(world)
    assert world.resources.by_name[VIDEO_ID] == first, "an idle pass writes nothing"


def test_a_row_follows_the_spec_of_its_import() -> None:
    world = a_world_with_an_import(title="Launch")
    live(world)
    apply(world, title="The launch")
    settled(world)
    assert (world.row.desired.title, world.row.desired.revision) == ("The launch", 2)
    assert shown(world)["observedGeneration"] == 2
    assert_ends_ready(world)


def test_a_changed_title_that_was_missed_is_followed_after_the_next_resync() -> None:
    world = a_world_with_an_import(title="Launch")
    live(world)
    dump = Dump(world.records)
    apply(world, title="The launch")
    settled(world)
    dump.restore(world.records)
    settled(world)
    assert world.row.desired.title == "The launch"


def test_a_new_edition_of_an_import_is_another_job() -> None:
    world = a_world_with_an_import()
    live(world)
    apply(world, edition=2)
    settled(world)
    assert world.row.observed.edition == 2
    assert_ends_ready(world, jobs=2)


@pytest.mark.parametrize("by", ["spec", "annotation"])
def test_a_failed_import_can_be_retried(by: str) -> None:
    world = a_world_with_an_import(Script(job_ends=[JobEnd.CANNOT_DECODE]))
    live(world)
    assert_ends_errored(world, FailureCode.VIDEO_UNDECODABLE, jobs=1)
    if by == "spec":
        apply(world, retries=1)
    else:
        world.resources.annotate(VIDEO_ID, RETRY_REQUESTED_ANNOTATION, "please")
    settled(world)
    assert_ends_ready(world, jobs=2)


def test_an_import_can_be_created_paused() -> None:
    world = a_world_with_an_import()
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(world)
    assert (shown(world)["reason"], len(world.transcoder.jobs)) == ("Paused", 0)
    world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    settled(world)
    assert_ends_ready(world)


def test_deleting_the_resource_releases_the_row_and_withdraws_the_video() -> None:
    world = a_world_with_an_import()
    live(world)
    world.resources.remove(VIDEO_ID)
    settled(world)
    assert world.row.desired.deleted
    assert world.storage.read_playlist(VIDEO_ID) is None
    assert VIDEO_ID not in world.resources.by_name


def leave(world: InMemoryWorld) -> None:
    """Play a person who deletes a resource that a finalizer of others keeps."""
    resource = world.resources.by_name.get(VIDEO_ID)
    if resource is not None:
        world.resources.by_name[VIDEO_ID] = replace(
            resource, deletion_timestamp="2026-07-01T12:00:00Z", resource_version="leaving"
        )


def test_from_the_moment_an_import_is_deleted_nothing_begins_and_it_is_withdrawn() -> None:
    for moment in moments_of_a_life():
        world = a_world_with_an_import()
        happening(world, moment, leave, world)
        settled(world)
        row = world.records.rows.get(VIDEO_ID)
        assert row is None or row.desired.deleted
        assert world.storage.read_playlist(VIDEO_ID) is None
        world.resources.remove(VIDEO_ID)
        apply(world)
        settled(world)
        assert_playable(world)
        assert len(world.transcoder.jobs) == 1


def test_a_retained_import_plays_on_without_its_resource() -> None:
    world = a_world_with_an_import(deletionPolicy="retain")
    live(world)
    row = world.row
    process = Process(world)
    process.begin()
    world.resources.remove(VIDEO_ID)
    process.watch()
    while not process.is_idle():
        process.step()
    world.pass_time(HASTY.delete_grace_seconds * 3)
    world.kill_switch.calls.clear()
    settled(world)
    assert VIDEO_ID not in world.resources.by_name
    assert_playable(world)
    assert world.row == row
    # Nothing is left to do, so no pass is made.
    assert "get" not in world.kill_switch.calls
    assert len(world.transcoder.jobs) == 1


def test_a_retained_import_that_leaves_slowly_plays_on_all_along() -> None:
    world = a_world_with_an_import(deletionPolicy="retain")
    live(world)
    leave(world)
    settled(world)
    assert_playable(world)
    world.resources.remove(VIDEO_ID)
    settled(world)
    assert_playable(world)


def test_a_retained_import_deleted_at_any_moment_plays_or_is_deleted_and_is_bought_once() -> None:
    for moment in moments_of_a_life(deletionPolicy="retain"):
        world = a_world_with_an_import(deletionPolicy="retain")
        happening(world, moment, world.resources.remove, VIDEO_ID)
        settled(world)
        row = world.records.rows.get(VIDEO_ID)
        if row is not None and not row.desired.deleted:
            assert_playable(world)
        else:
            assert world.storage.read_playlist(VIDEO_ID) is None
        apply(world, deletionPolicy="retain")
        settled(world)
        assert_playable(world)
        assert len(world.transcoder.jobs) == 1


def test_a_retained_video_is_deleted_by_applying_it_again_without_the_policy() -> None:
    world = a_world_with_an_import(deletionPolicy="retain")
    live(world)
    world.resources.remove(VIDEO_ID)
    settled(world)
    apply(world)
    settled(world)
    assert_playable(world)
    world.resources.remove(VIDEO_ID)
    settled(world)
    assert world.row.desired.deleted
    assert world.storage.read_playlist(VIDEO_ID) is None
    assert len(world.transcoder.jobs) == 1


def test_another_file_under_the_name_of_a_retained_import_is_refused_and_ends_nothing() -> None:
    world = a_world_with_an_import(deletionPolicy="retain")
    live(world)
    world.resources.remove(VIDEO_ID)
    settled(world)
    world.storage.put_raw(OTHER_KEY, mp4())
    world.resources.put(VIDEO_ID, storage_key=OTHER_KEY)
    settled(world)
    assert shown(world)["failure"]["code"] == FailureCode.IMPORT_REFUSED
    assert not world.row.desired.deleted
    assert_playable(world)


def test_an_import_that_is_deleted_before_any_pass_begins_nothing() -> None:
    world = a_world_with_an_import()
    leave(world)
    settled(world)
    assert not world.records.rows
    assert not world.transcoder.jobs


def test_the_deletion_of_a_ready_import_takes_effect_at_once() -> None:
    world = a_world_with_an_import()
    live(world)
    process = Process(world)
    process.begin()
    leave(world)
    process.watch()
    while not process.is_idle():
        process.step()
    assert world.row.desired.deleted
    assert world.storage.read_playlist(VIDEO_ID) is None


def test_an_import_deleted_at_any_moment_and_applied_again_is_bought_once() -> None:
    for moment in moments_of_a_life():
        world = a_world_with_an_import()
        happening(world, moment, world.resources.remove, VIDEO_ID)
        settled(world)
        assert VIDEO_ID not in world.resources.by_name
        apply(world)
        settled(world)
        assert_playable(world)
        assert_shown(world)
        assert len(world.transcoder.jobs) == 1


def test_an_import_applied_again_just_before_its_purge_is_playable_without_a_job() -> None:
    world = a_world_with_an_import()
    live(world)
    world.resources.remove(VIDEO_ID)
    settled(world)
    world.pass_time(HASTY.retire_ready_seconds)
    settled(world)
    assert world.row.retired
    world.pass_time(HASTY.delete_grace_seconds - HASTY.retire_ready_seconds - HALF_AN_HOUR)
    apply(world)
    settled(world)
    assert not world.row.desired.deleted
    assert_ends_ready(world)


def test_an_import_is_not_released_while_kubernetes_is_away() -> None:
    world = a_world_with_an_import()
    live(world)
    process = Process(world)
    process.begin()
    world.resources.error = UnavailableError("no answer")
    world.resources.remove(VIDEO_ID)
    process.queue.add(VIDEO_ID, Cause.SWEEP)
    process.step()
    assert not world.row.desired.deleted


def test_a_purged_import_leaves_its_original_and_its_successor_continues_its_numbers() -> None:
    world = a_world_with_an_import(Script(job_ends=[JobEnd.BREAKS]))
    live(world)
    world.resources.remove(VIDEO_ID)
    settled(world)
    world.pass_time(HASTY.delete_grace_seconds)
    settled(world)
    assert VIDEO_ID not in world.records.rows
    assert (list(world.storage.raw), list(world.storage.processed)) == ([KEY], [])
    world.storage.put_raw(OTHER_KEY, mp4(media_bytes=99))
    world.resources.put(VIDEO_ID, storage_key=OTHER_KEY)
    live(world)
    assert_playable(world)
    assert_shown(world)
    assert (world.row.observed.attempt, world.row.desired.storage_key) == (3, OTHER_KEY)


def test_another_file_under_the_same_name_waits_for_the_purge_of_the_first() -> None:
    world = a_world_with_an_import()
    live(world)
    world.storage.put_raw(OTHER_KEY, mp4(media_bytes=99))
    world.resources.remove(VIDEO_ID)
    world.resources.put(VIDEO_ID, storage_key=OTHER_KEY)
    settled(world)
    assert (shown(world)["reason"], world.row.desired.deleted, world.row.desired.storage_key) == (
        "ImportRefused",
        True,
        KEY,
    )
    assert world.storage.read_playlist(VIDEO_ID) is None
    world.pass_time(HASTY.retire_ready_seconds)
    settled(world)
    assert shown(world)["reason"] == "ImportRefused", "it is left alone when the first one leaves"
    world.pass_time(HASTY.delete_grace_seconds)
    settled(world)
    settled(world)
    assert world.row.desired.storage_key == OTHER_KEY
    assert_playable(world)
    assert_shown(world)
    assert len(world.transcoder.jobs) == 2


def test_an_import_whose_spec_says_deleted_is_purged_and_its_resource_stays() -> None:
    world = a_world_with_an_import()
    live(world)
    apply(world, deleted=True)
    settled(world)
    assert (shown(world)["reason"], world.storage.read_playlist(VIDEO_ID)) == ("Deleted", None)
    world.pass_time(HASTY.delete_grace_seconds)
    settled(world)
    assert VIDEO_ID not in world.records.rows
    settled(world)
    assert VIDEO_ID not in world.records.rows
    assert shown(world)["reason"] == "Deleted"
    apply(world, deleted=False)
    settled(world)
    assert_playable(world)
    assert len(world.transcoder.jobs) == 2
