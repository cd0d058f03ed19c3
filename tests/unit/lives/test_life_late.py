"""Lives that are looked at again only long after their deadline: what was paid for and is complete is shown.

The operator was away, or the video was deleted meanwhile and is wanted again.
"""

from collections.abc import Callable

import pytest

from domain.failures import FailureCode
from domain.video import Phase, Reason
from tests.support.world.dumps import Dump
from tests.support.world.endings import HASTY, a_world, assert_ends_errored, assert_ends_ready, assert_playable
from tests.support.world.operator import Process, live, settled
from tests.support.world.world import VIDEO_ID, SmallWorld

TWO_DAYS = 2 * 86_400.0
UNTIL = [
    pytest.param(lambda small: small.row.observed.phase is Phase.PROCESSING, id="processing"),
    pytest.param(lambda small: small.row.observed.reason is Reason.PUBLISHING, id="publishing"),
]


def run(small: SmallWorld, until: Callable[[SmallWorld], bool]) -> None:
    process = Process(small)
    process.begin()
    while not until(small):
        process.step()


@pytest.mark.parametrize("until", UNTIL)
def test_nobody_looked_until_long_after_the_deadline(until: Callable[[SmallWorld], bool]) -> None:
    small = a_world()
    run(small, until)
    small.pass_time(TWO_DAYS)
    live(small)
    assert_ends_ready(small)


@pytest.mark.parametrize("until", UNTIL)
def test_deleted_and_restored_long_after_the_deadline(until: Callable[[SmallWorld], bool]) -> None:
    small = a_world()
    run(small, until)
    small.records.delete(VIDEO_ID)
    settled(small)
    small.pass_time(TWO_DAYS)
    small.records.restore(VIDEO_ID)
    settled(small)
    assert_ends_ready(small)


def test_a_new_edition_deleted_while_it_is_published_and_restored_after_its_deadline_plays() -> None:
    small = a_world()
    live(small)
    small.records.ask_for_edition(VIDEO_ID)
    run(small, lambda small: small.row.observed.reason is Reason.PUBLISHING)
    small.records.delete(VIDEO_ID)
    settled(small)
    small.pass_time(TWO_DAYS)
    small.records.restore(VIDEO_ID)
    settled(small)
    assert_playable(small)


def test_storage_takes_the_playlist_and_never_shows_it() -> None:
    small = a_world(timing=HASTY)
    small.storage.loses_playlists = True
    live(small)
    assert_ends_errored(small, FailureCode.STORAGE_UNAVAILABLE, jobs=1)


def test_an_order_that_was_held_up_after_its_intent_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever counts the submission as lost begins to count at the intent."""
    small = a_world()
    presign, seen = small.storage.presign_source, list[int]()

    def slowly(key: str, *, expires_seconds: int) -> str:
        if not seen:
            small.pass_time(small.timing.submission_start_seconds + 1)
        seen.append(len(small.transcoder.jobs))
        return presign(key, expires_seconds=expires_seconds)

    monkeypatch.setattr(small.storage, "presign_source", slowly)
    live(small)
    assert seen == [0, 0], "ordered by the second one only"
    assert_ends_ready(small)


def test_an_older_dump_under_a_deaf_watch_buys_nothing_twice() -> None:
    """What a process knows of the resource is as old as the dump: it asks the resource itself before it buys."""
    small = a_world()
    small.resources.apply(small.row.desired)
    run(small, lambda small: small.row.observed.phase is Phase.UPLOADED)
    deaf, dump = Process(small), Dump(small.records)
    deaf.begin()
    run(small, lambda small: small.row.observed.phase is Phase.PROCESSING)
    dump.restore(small.records)
    deaf.step()
    assert len(small.transcoder.jobs) == 1
    settled(small)
    assert_ends_ready(small)


def test_an_upload_deleted_and_restored_after_its_deadline_has_expired_and_begins_anew_by_a_retry() -> None:
    small = SmallWorld()
    small.create()
    run(small, lambda small: VIDEO_ID in small.resources.by_name)
    small.records.delete(VIDEO_ID)
    settled(small)
    small.pass_time(TWO_DAYS)
    small.records.restore(VIDEO_ID)
    settled(small)
    assert_ends_errored(small, FailureCode.UPLOAD_EXPIRED, jobs=0)
    small.records.retry(VIDEO_ID)
    small.send_file()
    settled(small)
    assert_ends_ready(small)
