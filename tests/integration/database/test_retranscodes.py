"""Re-transcodes in `VideoCommands`: where they are allowed, and how many in a day."""

from itertools import product

import pytest

from database.commands import VideoGoneError
from database.retranscodes import Allowance, CountedRequest, RequestsSpentError
from database.wakeups import Wakeup
from domain.errors import UnavailableError
from domain.records import Cause, VideoRow
from domain.video import Phase, is_retranscodable
from tests.integration.database.rows import OTHER_VIDEO, THIRD_VIDEO, Rows
from tests.support.builders.videos import VIDEO, a_new_video


def retranscode(rows: Rows, video_id: str = VIDEO, *, owner: str = "ann", per_day: int = 10) -> VideoRow:
    return rows.commands.retranscode(video_id, allowance=Allowance(owner, per_day))


def playable(rows: Rows, *video_ids: str) -> None:
    rows.create(*video_ids)
    for video_id in video_ids:
        rows.enter(Phase.READY, video_id, is_playable=True)


def test_a_new_edition_is_recorded_only_for_a_playable_video(rows: Rows) -> None:
    rows.create()
    for phase, is_playable in product(Phase, (False, True)):
        rows.enter(phase, is_playable=is_playable, edition=rows.row().desired.edition)
        before = rows.row()
        after = retranscode(rows)

        assert rows.row() == after
        changed = (after.desired.edition - before.desired.edition, after.desired.revision - before.desired.revision)
        assert changed == ((1, 1) if is_retranscodable(before.observed) else (0, 0)), (phase, is_playable)


def test_a_repeated_request_counts_once_until_the_edition_has_begun(rows: Rows) -> None:
    playable(rows, VIDEO)
    first = retranscode(rows, per_day=1)
    assert retranscode(rows, per_day=1) == first

    rows.enter(Phase.UPLOADED, edition=2, is_playable=True)
    assert retranscode(rows, per_day=1).desired == first.desired


def test_requests_are_counted_by_owner_and_day_and_one_too_many_changes_nothing(rows: Rows) -> None:
    playable(rows, VIDEO, OTHER_VIDEO)
    rows.commands.create(a_new_video(THIRD_VIDEO, owner="bob"), per_hour=10)
    rows.enter(Phase.READY, THIRD_VIDEO, is_playable=True)
    retranscode(rows, per_day=1)
    before = rows.row(OTHER_VIDEO)
    with pytest.raises(RequestsSpentError) as spent:
        retranscode(rows, OTHER_VIDEO, per_day=1)

    assert spent.value.per_day == 1
    assert 0 < spent.value.retry_after_seconds <= 86_400
    assert rows.row(OTHER_VIDEO) == before
    assert retranscode(rows, THIRD_VIDEO, owner="bob", per_day=1).desired.edition == 2


def test_daily_retries_are_counted_by_owner_and_apart_from_retranscodes(rows: Rows) -> None:
    playable(rows, VIDEO)
    retranscode(rows, per_day=1)
    rows.create(OTHER_VIDEO, THIRD_VIDEO)
    for video_id in (OTHER_VIDEO, THIRD_VIDEO):
        rows.enter(Phase.ERRORED, video_id)
    once = Allowance("ann", 1)
    assert rows.commands.retry(OTHER_VIDEO, allowance=once).desired.retries == 1
    assert rows.commands.retry(OTHER_VIDEO, allowance=once).desired.retries == 1, "it waits for its pass"
    before = rows.row(THIRD_VIDEO)
    with pytest.raises(RequestsSpentError) as spent:
        rows.commands.retry(THIRD_VIDEO, allowance=once)
    assert (spent.value.kind, spent.value.per_day) == (CountedRequest.RETRY, 1)
    assert 0 < spent.value.retry_after_seconds <= 86_400
    assert rows.row(THIRD_VIDEO) == before
    assert rows.commands.retry(THIRD_VIDEO).desired.retries == 1, "an administrator's is not counted"


def test_a_request_no_longer_counts_a_day_later(rows: Rows) -> None:
    playable(rows, VIDEO, OTHER_VIDEO)
    retranscode(rows, per_day=1)
    rows.age_retranscodes()

    assert retranscode(rows, OTHER_VIDEO, per_day=1).desired.edition == 2


def test_a_limit_of_zero_allows_no_request(rows: Rows) -> None:
    playable(rows, VIDEO)
    with pytest.raises(RequestsSpentError):
        retranscode(rows, per_day=0)


def test_a_new_edition_brings_the_resource_back_and_wakes_the_operator(rows: Rows) -> None:
    playable(rows, VIDEO)
    rows.retire(VIDEO)

    assert rows.row().retired
    assert not retranscode(rows).retired
    assert rows.next_wakeup() == Wakeup(VIDEO, Cause.PERSON)


def test_neither_a_deleted_video_nor_an_import_gets_a_new_edition(rows: Rows) -> None:
    playable(rows, VIDEO, OTHER_VIDEO)
    rows.commands.delete(VIDEO)
    rows.import_it(OTHER_VIDEO)

    assert [retranscode(rows, video_id).desired.edition for video_id in (VIDEO, OTHER_VIDEO)] == [1, 1]


def test_an_unknown_video_gets_no_new_edition(rows: Rows) -> None:
    with pytest.raises(VideoGoneError):
        retranscode(rows)


def test_without_postgres_no_edition_is_requested(rows: Rows) -> None:
    playable(rows, VIDEO)
    rows.database.close()
    with pytest.raises(UnavailableError):
        retranscode(rows)
