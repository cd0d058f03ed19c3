"""`VideoCommands`: videos are created, confirmed, retried, deleted and restored, and claims are recorded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from database.catalogue import CatalogueSelection
from database.commands import VideoGoneError
from database.creation import LimitReachedError
from database.queries import Selection
from database.retranscodes import Allowance
from database.wakeups import Wakeup
from domain.errors import UnavailableError
from domain.records import Cause
from domain.schedule import Timing, restore_window
from domain.video import Origin, Phase, Reason, UploadMode, is_retryable
from tests.integration.database.rows import KEY, OTHER_VIDEO, Rows
from tests.support.builders.videos import VIDEO, a_new_video


def test_a_created_row_holds_the_desired_state_and_waits_for_the_file(rows: Rows) -> None:
    source_url = "https://files.example.com/cats.mp4"
    checksum, sites = "XUFAKrxLKna5cZ2REBfFkg==", ("https://www.example.com",)
    new = replace(a_new_video(), content_md5=checksum, source_url=source_url, embed_origins=sites)
    row = rows.commands.create(new, per_hour=10).row

    desired, of_the_row = row.desired, ("metadata", "email", "content_md5", "source_url", "embed_origins")
    requested = {name: value for name, value in vars(new).items() if name not in of_the_row}
    assert {name: getattr(desired, name) for name in requested} == requested
    assert (desired.revision, desired.origin, desired.upload_mode) == (1, Origin.API, UploadMode.SINGLE)
    assert (row.observed.phase, row.observed.revision, row.retired) == (Phase.UPLOADING, 1, False)
    assert row.observed.deadline_at is not None
    assert (row.content_md5, row.source_url, row.embed_origins) == (checksum, source_url, sites)
    assert rows.row() == row


def test_an_unknown_row_is_none(rows: Rows) -> None:
    assert rows.queries.get(VIDEO) is None


def test_the_limit_counts_one_owner_and_leaves_no_row(rows: Rows) -> None:
    rows.commands.create(a_new_video(), per_hour=1)
    with pytest.raises(LimitReachedError) as reached:
        rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=1)

    assert reached.value.per_hour == 1
    assert 0 < reached.value.retry_after_seconds <= 3600
    assert rows.queries.get(OTHER_VIDEO) is None
    rows.commands.create(a_new_video(OTHER_VIDEO, owner="bob"), per_hour=1)


def test_a_confirmation_counts_once(rows: Rows) -> None:
    rows.create()
    first = rows.commands.confirm(VIDEO)

    assert (first.desired.confirmations, first.desired.revision) == (1, 2)
    assert rows.commands.confirm(VIDEO) == first


def test_after_a_rejection_the_next_confirmation_counts(rows: Rows) -> None:
    rows.create()
    rows.commands.confirm(VIDEO)
    rows.reject(1)

    assert rows.commands.confirm(VIDEO).desired.confirmations == 2


def test_after_uploading_a_confirmation_changes_nothing(rows: Rows) -> None:
    rows.create()
    rows.enter(Phase.UPLOADED)
    before = rows.row()

    assert rows.commands.confirm(VIDEO) == before


def test_a_retry_counts_only_in_phases_that_allow_one(rows: Rows) -> None:
    rows.create()
    for phase, reason in product(Phase, Reason):
        rows.enter(phase, reason=reason, retries=rows.row().desired.retries)
        before = rows.row()
        after = rows.commands.retry(VIDEO)

        assert rows.row() == after
        changed = (after.desired.retries - before.desired.retries, after.desired.revision - before.desired.revision)
        assert changed == ((1, 1) if is_retryable(before.observed) else (0, 0)), (phase, reason)


def test_a_repeated_retry_counts_once_until_a_pass_takes_it_up(rows: Rows) -> None:
    rows.create()
    rows.enter(Phase.ERRORED)
    first = rows.commands.retry(VIDEO)
    assert rows.commands.retry(VIDEO) == first

    rows.enter(Phase.ERRORED, retries=1)
    assert rows.commands.retry(VIDEO).desired.retries == 2


def test_a_deletion_is_dated_and_can_be_undone(rows: Rows) -> None:
    rows.create()
    deleted = rows.commands.delete(VIDEO)
    assert (deleted.desired.deleted, deleted.desired.revision) == (True, 2)
    assert deleted.deleted_at is not None
    assert rows.commands.delete(VIDEO) == deleted

    restored = rows.commands.restore(VIDEO)
    assert (restored.desired.deleted, restored.desired.revision, restored.deleted_at) == (False, 3, None)
    assert rows.commands.restore(VIDEO) == restored


def test_a_deleted_video_can_be_neither_retried_nor_confirmed(rows: Rows) -> None:
    rows.create(VIDEO, OTHER_VIDEO)
    rows.enter(Phase.ERRORED)
    for video_id in (VIDEO, OTHER_VIDEO):
        rows.commands.delete(video_id)

    assert rows.commands.retry(VIDEO).desired.retries == 0
    assert rows.commands.confirm(OTHER_VIDEO).desired.confirmations == 0


def test_a_deletion_cannot_be_undone_once_the_purge_is_near(rows: Rows) -> None:
    rows.create()
    rows.commands.delete(VIDEO)
    rows.age_deletion(VIDEO, restore_window(Timing()) - timedelta(minutes=1))
    assert not rows.commands.restore(VIDEO).desired.deleted

    rows.commands.delete(VIDEO)
    rows.age_deletion(VIDEO, restore_window(Timing()))
    before = rows.row()
    assert rows.commands.restore(VIDEO) == before


@pytest.mark.parametrize("name", ["confirm", "retry", "delete", "restore"])
def test_every_change_brings_the_resource_back_and_wakes_the_operator(rows: Rows, name: str) -> None:
    rows.create()
    if name == "retry":
        rows.enter(Phase.ERRORED)
    if name == "restore":
        rows.commands.delete(VIDEO)
        assert rows.next_wakeup() == Wakeup(VIDEO, Cause.PERSON)
    rows.retire(VIDEO)
    before = rows.row()
    after = getattr(rows.commands, name)(VIDEO)

    assert before.retired
    assert (after.retired, after.desired.revision) == (False, before.desired.revision + 1)
    assert rows.next_wakeup() == Wakeup(VIDEO, Cause.CLIENT if name == "confirm" else Cause.PERSON)


@pytest.mark.parametrize("name", ["confirm", "retry", "delete", "restore"])
def test_no_command_changes_the_desired_state_of_an_import(rows: Rows, name: str) -> None:
    rows.create()
    if name == "retry":
        rows.enter(Phase.ERRORED)
    if name == "restore":
        rows.commands.delete(VIDEO)
    rows.import_it(VIDEO)
    before = rows.row()

    assert getattr(rows.commands, name)(VIDEO) == before


@pytest.mark.parametrize("name", ["confirm", "retry", "delete", "restore"])
def test_a_purged_row_cannot_be_changed(rows: Rows, name: str) -> None:
    with pytest.raises(VideoGoneError):
        getattr(rows.commands, name)(VIDEO)


def test_the_history_names_the_cause_of_each_transition_newest_last(rows: Rows) -> None:
    rows.create()
    rows.enter(Phase.UPLOADED, reason=Reason.WAITING_FOR_SUBMISSION, message="the next submission is due")
    created, first, second = rows.history.of_video(VIDEO, at_most=9)

    assert (created.cause, created.phase, created.at) == (Cause.CLIENT, Phase.PENDING, first.at)
    assert (first.cause, first.phase, first.reason) == (Cause.CLIENT, Phase.UPLOADING, Reason.WAITING_FOR_FILE)
    assert (second.cause, second.phase, second.message) == (
        Cause.POLL,
        Phase.UPLOADED,
        "the next submission is due",
    )
    assert rows.history.of_video(VIDEO, at_most=1) == [second]
    assert rows.history.of_video(OTHER_VIDEO, at_most=9) == []


def test_without_postgres_every_command_raises_unavailable(rows: Rows) -> None:
    rows.create()
    rows.database.close()

    commands, queries = rows.commands, rows.queries
    calls: list[Callable[[], object]] = [
        lambda: commands.create(a_new_video(OTHER_VIDEO), per_hour=10),
        lambda: commands.create(a_new_video(OTHER_VIDEO), per_hour=10, key=KEY),
        lambda: commands.confirm(VIDEO),
        lambda: commands.retry(VIDEO),
        lambda: commands.retranscode(VIDEO, allowance=Allowance("ann", 10)),
        lambda: commands.delete(VIDEO),
        lambda: commands.restore(VIDEO),
        lambda: queries.get(VIDEO),
        lambda: queries.of_owner(Selection("ann"), after=None, at_most=1),
        lambda: rows.catalogue.page(CatalogueSelection(), after=None, at_most=1),
        lambda: rows.history.of_video(VIDEO, at_most=1),
        lambda: rows.claims.record(video_id=VIDEO, attempt=1, job_id="S9BkOufdntiPR9"),
    ]
    for call in calls:
        with pytest.raises(UnavailableError):
            call()
