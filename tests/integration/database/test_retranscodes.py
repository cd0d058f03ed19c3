"""Re-transcodes in `VideoCommands`: where they are allowed, and how many in a day."""

from itertools import product

import pytest

from database.commands import VideoGoneError
from database.notify import Wakeup
from database.retranscodes import Allowance, RetranscodesSpentError
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


def test_a_new_edition_is_wished_for_just_where_one_can_be_played(rows: Rows) -> None:
    rows.create()
    for phase, is_playable in product(Phase, (False, True)):
        rows.enter(phase, is_playable=is_playable, edition=rows.row().desired.edition)
        before = rows.row()
        after = retranscode(rows)

        assert rows.row() == after
        changed = (after.desired.edition - before.desired.edition, after.desired.revision - before.desired.revision)
        assert changed == ((1, 1) if is_retranscodable(before.observed) else (0, 0)), (phase, is_playable)


def test_one_that_is_asked_for_again_counts_once_until_it_has_begun(rows: Rows) -> None:
    playable(rows, VIDEO)
    first = retranscode(rows, per_day=1)
    assert retranscode(rows, per_day=1) == first

    rows.enter(Phase.UPLOADED, edition=2, is_playable=True)
    assert retranscode(rows, per_day=1).desired == first.desired


def test_a_day_of_one_owner_is_counted_and_what_is_too_much_changes_nothing(rows: Rows) -> None:
    playable(rows, VIDEO, OTHER_VIDEO)
    rows.commands.create(a_new_video(THIRD_VIDEO, owner="bob"), per_hour=10)
    rows.enter(Phase.READY, THIRD_VIDEO, is_playable=True)
    retranscode(rows, per_day=1)
    before = rows.row(OTHER_VIDEO)
    with pytest.raises(RetranscodesSpentError) as spent:
        retranscode(rows, OTHER_VIDEO, per_day=1)

    assert spent.value.per_day == 1
    assert 0 < spent.value.retry_after_seconds <= 86_400
    assert rows.row(OTHER_VIDEO) == before
    assert retranscode(rows, THIRD_VIDEO, owner="bob", per_day=1).desired.edition == 2


def test_a_day_later_it_counts_no_more(rows: Rows) -> None:
    playable(rows, VIDEO, OTHER_VIDEO)
    retranscode(rows, per_day=1)
    rows.age_retranscodes()

    assert retranscode(rows, OTHER_VIDEO, per_day=1).desired.edition == 2


def test_none_at_all_may_be_allowed(rows: Rows) -> None:
    playable(rows, VIDEO)
    with pytest.raises(RetranscodesSpentError):
        retranscode(rows, per_day=0)


def test_a_new_edition_brings_the_resource_back_and_wakes_the_operator(rows: Rows) -> None:
    playable(rows, VIDEO)
    rows.retire(VIDEO)

    assert rows.row().retired
    assert not retranscode(rows).retired
    assert rows.next_wakeup() == Wakeup(VIDEO, Cause.PERSON)


def test_neither_a_deleted_video_nor_an_import_gets_one(rows: Rows) -> None:
    playable(rows, VIDEO, OTHER_VIDEO)
    rows.commands.delete(VIDEO)
    rows.import_it(OTHER_VIDEO)

    assert [retranscode(rows, video_id).desired.edition for video_id in (VIDEO, OTHER_VIDEO)] == [1, 1]


def test_no_row_no_edition(rows: Rows) -> None:
    with pytest.raises(VideoGoneError):
        retranscode(rows)


def test_without_postgres_nothing_is_asked_for(rows: Rows) -> None:
    playable(rows, VIDEO)
    rows.database.close()
    with pytest.raises(UnavailableError):
        retranscode(rows)
