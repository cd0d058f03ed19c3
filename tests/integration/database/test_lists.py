"""Lists of `VideoQueries`: an owner's videos, by phase, deleted ones, and the dead letters."""

from datetime import timedelta

import pytest

from database.catalogue import CatalogueSelection
from database.queries import Cursor, Selection
from domain.video import Phase
from tests.integration.database.rows import OTHER_VIDEO, THIRD_VIDEO, Rows
from tests.support.builders.rows import NOON
from tests.support.builders.videos import VIDEO, a_new_video

FAILED = CatalogueSelection(status=Phase.ERRORED)


def test_a_list_holds_one_owners_videos_newest_first(rows: Rows) -> None:
    rows.create(VIDEO, OTHER_VIDEO)
    rows.commands.create(a_new_video(THIRD_VIDEO, owner="bob"), per_hour=10)
    page = rows.queries.of_owner(Selection("ann"), after=None, at_most=10)

    assert (page.rows, page.last) == ((rows.row(OTHER_VIDEO), rows.row(VIDEO)), None)


def test_pages_of_a_list_neither_repeat_nor_skip_a_video(rows: Rows) -> None:
    rows.create(VIDEO, OTHER_VIDEO, THIRD_VIDEO)
    first = rows.queries.of_owner(Selection("ann"), after=None, at_most=2)
    rows.create("contractcontractcontractx4")
    second = rows.queries.of_owner(Selection("ann"), after=first.last, at_most=2)

    assert first.last == Cursor(rows.row(OTHER_VIDEO).created_at, OTHER_VIDEO)
    assert [row.desired.video_id for row in first.rows + second.rows] == [THIRD_VIDEO, OTHER_VIDEO, VIDEO]
    assert second.last is None


def test_deleted_videos_have_a_list_of_their_own(rows: Rows) -> None:
    rows.create(VIDEO, OTHER_VIDEO)
    rows.enter(Phase.UPLOADED)
    rows.commands.delete(VIDEO)

    assert (rows.listed(), rows.listed(is_deleted=True)) == ([OTHER_VIDEO], [VIDEO])
    assert rows.listed(is_deleted=True, status=Phase.UPLOADED) == [VIDEO]
    assert rows.listed(is_deleted=True, status=Phase.UPLOADING) == []
    assert rows.listed(status=Phase.UPLOADED) == []


@pytest.mark.parametrize("phase", list(Phase))
def test_a_list_by_phase_holds_the_videos_shown_in_that_phase(rows: Rows, phase: Phase) -> None:
    rows.create(VIDEO, OTHER_VIDEO)
    rows.enter(phase)
    rows.enter(Phase.PENDING if phase is Phase.READY else Phase.READY, OTHER_VIDEO)

    assert rows.listed(status=phase) == [VIDEO]


@pytest.mark.parametrize("phase", [Phase.UPLOADED, Phase.PROCESSING])
def test_while_it_is_transcoded_again_a_playable_video_is_listed_as_ready(rows: Rows, phase: Phase) -> None:
    rows.create()
    rows.enter(phase, is_playable=True)

    assert (rows.listed(status=Phase.READY), rows.listed(status=phase)) == ([VIDEO], [])


def test_a_playable_video_whose_newest_edition_failed_is_ready_and_a_dead_letter(rows: Rows) -> None:
    rows.create()
    rows.enter(Phase.ERRORED, is_playable=True)

    assert rows.listed(status=Phase.READY) == rows.listed(status=Phase.ERRORED) == [VIDEO]


def test_dead_letters_of_all_owners_are_listed_with_the_latest_failure_first(rows: Rows) -> None:
    rows.create(VIDEO, THIRD_VIDEO)
    rows.commands.create(a_new_video(OTHER_VIDEO, owner="bob"), per_hour=10)
    rows.enter(Phase.ERRORED, VIDEO, phase_since=NOON + timedelta(hours=1), is_playable=True)
    rows.enter(Phase.ERRORED, OTHER_VIDEO, phase_since=NOON)
    first = rows.catalogue.page(FAILED, after=None, at_most=1)
    second = rows.catalogue.page(FAILED, after=first.last, at_most=1)

    assert first.last == Cursor(NOON + timedelta(hours=1), VIDEO)
    assert (first.rows, second.rows) == ((rows.row(VIDEO),), (rows.row(OTHER_VIDEO),))
    assert second.last is None

    rows.commands.delete(VIDEO)
    assert rows.catalogue.page(FAILED, after=None, at_most=9).rows == second.rows
