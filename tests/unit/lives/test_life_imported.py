"""Lives of imports: somebody applies a resource about a file that is already there, and a row follows it."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import UnavailableError
from domain.failures import FailureCode
from domain.records import Cause
from domain.video import PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, Origin, Phase
from tests.support.fakes.resources import NAMESPACE
from tests.support.fakes.transcoder import Fate, Script
from tests.support.fakes.videos import mp4
from tests.support.world.dumps import Dump
from tests.support.world.endings import HASTY, assert_ends_errored, assert_ends_ready, assert_playable, assert_shown
from tests.support.world.operator import Process, live, settled
from tests.support.world.world import VIDEO_ID, SmallWorld

KEY = f"imports/{NAMESPACE}/films/launch.mov"
OTHER_KEY = f"imports/{NAMESPACE}/films/second.mov"
HALF_AN_HOUR = 1800.0


def a_world_with_an_import(script: Script | None = None, *, storage_key: str = KEY, **spec: Any) -> SmallWorld:
    """Return a world in which somebody has put a file and applied a resource, and no pass was made."""
    small = SmallWorld(script, HASTY)
    small.storage.put_raw(storage_key, mp4())
    small.resources.put(VIDEO_ID, storage_key=storage_key, **spec)
    return small


def apply(small: SmallWorld, **spec: Any) -> None:
    """Apply the import again."""
    small.resources.put(VIDEO_ID, storage_key=KEY, **spec)


def shown(small: SmallWorld) -> dict[str, Any]:
    status = small.resources.by_name[VIDEO_ID].status
    assert status is not None
    return dict(status)


def test_an_import_becomes_playable() -> None:
    small = a_world_with_an_import(title="Launch", owner="user-1")
    said = small.resources.by_name[VIDEO_ID].spec
    live(small)
    assert_ends_ready(small)
    assert (small.row.desired.origin, small.row.desired.title, small.row.desired.owner) == (
        Origin.KUBERNETES,
        "Launch",
        "user-1",
    )
    assert small.resources.by_name[VIDEO_ID].spec == said
    assert "apply" not in small.fuse.calls


def test_an_import_may_be_applied_before_its_file_is_there() -> None:
    small = SmallWorld(timing=HASTY)
    small.resources.put(VIDEO_ID, storage_key=KEY)
    process = Process(small)
    process.begin()
    process.step()
    assert shown(small)["whatToDo"] == "Put the file at the key that spec.source.storageKey names."
    small.storage.put_raw(KEY, mp4())
    live(small)
    assert_ends_ready(small)


def test_an_import_stays_in_the_cluster_for_good() -> None:
    small = a_world_with_an_import()
    live(small)
    small.pass_time(HASTY.retire_ready_seconds * 5)
    settled(small)
    assert not small.row.retired
    assert_ends_ready(small)


def moments_of_a_life() -> range:
    small = a_world_with_an_import()
    settled(small)
    return range(1, small.fuse.moments + 1)


def test_an_import_killed_at_any_moment_is_bought_once() -> None:
    for moment in moments_of_a_life():
        small = a_world_with_an_import()
        small.fuse.gaps = [moment]
        live(small)
        assert_playable(small)
        assert len(small.transcoder.jobs) == 1


def test_an_import_whose_row_is_lost_at_any_moment_is_bought_once() -> None:
    for moment in moments_of_a_life()[::3]:
        small = a_world_with_an_import()
        happening(small, moment, Dump(small.records).restore, small.records)
        live(small)
        assert_ends_ready(small)


def happening(small: SmallWorld, moment: int, act: Callable[..., None], *arguments: object) -> None:
    small.fuse.happens = {moment: lambda: act(*arguments)}


@pytest.mark.parametrize(
    "storage_key",
    [
        pytest.param("imports/others/launch.mov", id="another-namespace"),
        pytest.param(f"imports/{NAMESPACE}/../others/launch.mov", id="a-way-around"),
        pytest.param(f"uploads/{VIDEO_ID}/original.mov", id="a-clients-file"),
    ],
)
def test_a_file_of_others_is_refused_for_all_to_see_and_never_touched(storage_key: str) -> None:
    small = a_world_with_an_import(storage_key=storage_key)
    settled(small)
    assert not small.records.rows
    status = shown(small)
    assert (status["phase"], status["reason"]) == (Phase.ERRORED, "ImportRefused")
    assert f"imports/{NAMESPACE}/" in status["message"]
    assert [(kind, reason) for _, kind, reason, _ in small.resources.events] == [("Warning", "ImportRefused")]
    assert not {"head", "verify_source", "start"} & set(small.fuse.calls)
    first = small.resources.by_name[VIDEO_ID]
    settled(small)
    assert small.resources.by_name[VIDEO_ID] == first, "an idle pass writes nothing"


def test_a_row_follows_what_is_said_of_its_import() -> None:
    small = a_world_with_an_import(title="Launch")
    live(small)
    apply(small, title="The launch", owner="user-2")
    settled(small)
    assert (small.row.desired.title, small.row.desired.owner, small.row.desired.revision) == ("The launch", "user-2", 2)
    assert shown(small)["observedGeneration"] == 2
    assert_ends_ready(small)


def test_a_title_that_only_the_resource_remembers_is_followed_after_the_next_comparison() -> None:
    small = a_world_with_an_import(title="Launch")
    live(small)
    dump = Dump(small.records)
    apply(small, title="The launch")
    settled(small)
    dump.restore(small.records)
    settled(small)
    assert small.row.desired.title == "The launch"


def test_a_new_edition_of_an_import_is_another_job() -> None:
    small = a_world_with_an_import()
    live(small)
    apply(small, edition=2)
    settled(small)
    assert small.row.observed.edition == 2
    assert_ends_ready(small, jobs=2)


@pytest.mark.parametrize("by", ["spec", "annotation"])
def test_a_failed_import_can_be_retried(by: str) -> None:
    small = a_world_with_an_import(Script(fates=[Fate.CANNOT_DECODE]))
    live(small)
    assert_ends_errored(small, FailureCode.TRANSCODE_FAILED, jobs=1)
    if by == "spec":
        apply(small, retries=1)
    else:
        small.resources.annotate(VIDEO_ID, RETRY_REQUESTED_ANNOTATION, "please")
    settled(small)
    assert_ends_ready(small, jobs=2)


def test_an_import_can_be_paused_from_birth() -> None:
    small = a_world_with_an_import()
    small.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true")
    settled(small)
    assert (shown(small)["reason"], len(small.transcoder.jobs)) == ("Paused", 0)
    small.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
    settled(small)
    assert_ends_ready(small)


def test_deleting_the_resource_releases_the_row_and_withdraws_the_video() -> None:
    small = a_world_with_an_import()
    live(small)
    small.resources.remove(VIDEO_ID)
    settled(small)
    assert small.row.desired.deleted
    assert small.storage.read_playlist(VIDEO_ID) is None
    assert VIDEO_ID not in small.resources.by_name


def test_an_import_deleted_at_any_moment_and_applied_again_is_bought_once() -> None:
    for moment in moments_of_a_life():
        small = a_world_with_an_import()
        happening(small, moment, small.resources.remove, VIDEO_ID)
        settled(small)
        assert VIDEO_ID not in small.resources.by_name
        apply(small)
        settled(small)
        assert_playable(small)
        assert_shown(small)
        assert len(small.transcoder.jobs) == 1


def test_an_import_applied_again_just_before_its_purge_is_playable_again_for_nothing() -> None:
    small = a_world_with_an_import()
    live(small)
    small.resources.remove(VIDEO_ID)
    settled(small)
    small.pass_time(HASTY.retire_ready_seconds)
    settled(small)
    assert small.row.retired
    small.pass_time(HASTY.delete_grace_seconds - HASTY.retire_ready_seconds - HALF_AN_HOUR)
    apply(small)
    settled(small)
    assert not small.row.desired.deleted
    assert_ends_ready(small)


def test_a_resource_that_kubernetes_does_not_answer_for_is_not_released() -> None:
    small = a_world_with_an_import()
    live(small)
    process = Process(small)
    process.begin()
    small.resources.trouble = UnavailableError("no answer")
    small.resources.remove(VIDEO_ID)
    process.queue.add(VIDEO_ID, Cause.SWEEP)
    process.step()
    assert not small.row.desired.deleted


def test_a_purged_import_leaves_its_original_and_a_new_one_of_its_name_counts_on() -> None:
    small = a_world_with_an_import(Script(fates=[Fate.BREAKS]))
    live(small)
    small.resources.remove(VIDEO_ID)
    settled(small)
    small.pass_time(HASTY.delete_grace_seconds)
    settled(small)
    assert VIDEO_ID not in small.records.rows
    assert (list(small.storage.raw), list(small.storage.processed)) == ([KEY], [])
    small.storage.put_raw(OTHER_KEY, mp4(media_bytes=99))
    small.resources.put(VIDEO_ID, storage_key=OTHER_KEY)
    live(small)
    assert_playable(small)
    assert_shown(small)
    assert (small.row.observed.attempt, small.row.desired.storage_key) == (3, OTHER_KEY)


def test_another_file_under_the_same_name_waits_for_the_purge_of_the_first() -> None:
    small = a_world_with_an_import()
    live(small)
    small.storage.put_raw(OTHER_KEY, mp4(media_bytes=99))
    small.resources.remove(VIDEO_ID)
    small.resources.put(VIDEO_ID, storage_key=OTHER_KEY)
    settled(small)
    assert (shown(small)["reason"], small.row.desired.deleted, small.row.desired.storage_key) == (
        "ImportRefused",
        True,
        KEY,
    )
    assert small.storage.read_playlist(VIDEO_ID) is None
    small.pass_time(HASTY.retire_ready_seconds)
    settled(small)
    assert shown(small)["reason"] == "ImportRefused", "it is left alone when the first one leaves"
    small.pass_time(HASTY.delete_grace_seconds)
    settled(small)
    settled(small)
    assert small.row.desired.storage_key == OTHER_KEY
    assert_playable(small)
    assert_shown(small)
    assert len(small.transcoder.jobs) == 2


def test_a_resource_that_asks_for_its_own_deletion_is_purged_and_stays() -> None:
    small = a_world_with_an_import()
    live(small)
    apply(small, deleted=True)
    settled(small)
    assert (shown(small)["reason"], small.storage.read_playlist(VIDEO_ID)) == ("Deleted", None)
    small.pass_time(HASTY.delete_grace_seconds)
    settled(small)
    assert VIDEO_ID not in small.records.rows
    settled(small)
    assert VIDEO_ID not in small.records.rows
    assert shown(small)["reason"] == "Deleted"
    apply(small, deleted=False)
    settled(small)
    assert_playable(small)
    assert len(small.transcoder.jobs) == 2
