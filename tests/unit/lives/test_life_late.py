"""Lives that continue only long after their deadline: what was paid for and is complete is published.

The operator was away, or the video was deleted meanwhile and is wanted again.
"""

from collections.abc import Callable

import pytest

from domain.failures import FailureCode
from domain.video import Phase, Reason
from tests.support.world.dumps import Dump
from tests.support.world.endings import HASTY, a_world, assert_ends_errored, assert_ends_ready, assert_playable
from tests.support.world.operator import Process, live, run_until, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

TWO_DAYS = 2 * 86_400.0
UNTIL = [
    pytest.param(lambda world: world.row.observed.phase is Phase.PROCESSING, id="processing"),
    pytest.param(lambda world: world.row.observed.reason is Reason.PUBLISHING, id="publishing"),
]


@pytest.mark.parametrize("until", UNTIL)
def test_complete_outputs_found_long_after_the_deadline_are_published(until: Callable[[InMemoryWorld], bool]) -> None:
    world = a_world()
    run_until(world, until)
    world.pass_time(TWO_DAYS)
    live(world)
    assert_ends_ready(world)


@pytest.mark.parametrize("until", UNTIL)
def test_a_video_restored_long_after_the_deadline_plays(until: Callable[[InMemoryWorld], bool]) -> None:
    world = a_world()
    run_until(world, until)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.pass_time(TWO_DAYS)
    world.records.restore(VIDEO_ID)
    settled(world)
    assert_ends_ready(world)


def test_an_edition_deleted_during_publication_and_restored_after_its_deadline_plays() -> None:
    world = a_world()
    live(world)
    world.records.ask_for_edition(VIDEO_ID)
    run_until(world, lambda world: world.row.observed.reason is Reason.PUBLISHING)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.pass_time(TWO_DAYS)
    world.records.restore(VIDEO_ID)
    settled(world)
    assert_playable(world)


def test_a_playlist_that_storage_accepts_and_never_returns_fails_the_upload() -> None:
    world = a_world(timing=HASTY)
    world.storage.loses_playlists = True
    live(world)
    assert_ends_errored(world, FailureCode.STORAGE_UNAVAILABLE, jobs=1)


def test_a_submission_delayed_after_its_intent_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time until a submission counts as lost begins at the intent."""
    world = a_world()
    presign, seen = world.storage.presign_source, list[int]()

    def slowly(key: str, *, expires_seconds: int) -> str:
        if not seen:
            world.pass_time(world.timing.submission_start_seconds + 1)
        seen.append(len(world.transcoder.jobs))
        return presign(key, expires_seconds=expires_seconds)

    monkeypatch.setattr(world.storage, "presign_source", slowly)
    live(world)
    assert seen == [0, 0], "ordered by the second one only"
    assert_ends_ready(world)


def test_an_older_dump_without_watch_events_buys_nothing_twice() -> None:
    """What a process knows of the resource is as old as the dump: it asks the resource itself before it buys."""
    world = a_world()
    world.resources.apply(world.row.desired)
    run_until(world, lambda world: world.row.observed.phase is Phase.UPLOADED)
    deaf, dump = Process(world), Dump(world.records)
    deaf.begin()
    run_until(world, lambda world: world.row.observed.phase is Phase.PROCESSING)
    dump.restore(world.records)
    deaf.step()
    assert len(world.transcoder.jobs) == 1
    settled(world)
    assert_ends_ready(world)


def test_an_upload_restored_after_its_deadline_has_expired_and_can_be_retried() -> None:
    world = InMemoryWorld()
    world.create()
    run_until(world, lambda world: VIDEO_ID in world.resources.by_name)
    world.records.delete(VIDEO_ID)
    settled(world)
    world.pass_time(TWO_DAYS)
    world.records.restore(VIDEO_ID)
    settled(world)
    assert_ends_errored(world, FailureCode.UPLOAD_EXPIRED, jobs=0)
    world.records.retry(VIDEO_ID)
    world.send_file()
    settled(world)
    assert_ends_ready(world)
