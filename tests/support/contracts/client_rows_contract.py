"""What the queries and commands of database/ and their fakes have in common, for the API."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from database.commands import VideoGoneError
from database.creation import LimitReachedError, NewVideo
from database.idempotency_keys import IdempotencyKey
from database.notify import Wakeup
from database.queries import Selection
from database.retranscodes import Allowance
from domain.errors import UnavailableError
from domain.failures import Failure, FailureCode
from domain.records import Cause, VideoRow
from domain.schedule import Timing, restore_window
from domain.video import AT_REST, Origin, Phase, Reason, Rejection, UploadMode, is_retryable
from tests.support.fakes.client_rows import wished
from webapi.ports import Claims, History, VideoCommands, VideoQueries

VIDEO = "contractcontractcontractco"
OTHER_VIDEO = "contractcontractcontractx2"
THIRD_VIDEO = "contractcontractcontractx3"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
KEY = IdempotencyKey("8e03978e", "a" * 64)


@dataclass(frozen=True)
class Rows:
    """What is under test, and the hands of the operator, of time and of whoever stops Postgres.

    ``observe`` changes what is observed of a video, ``import_it`` makes its wish belong to Kubernetes, ``age`` lets its
    deletion be so much longer ago, ``next_nudge`` waits for what the operator hears. ``hold_key`` is another process
    whose request under one of Ann's keys is still running, ``outdate_keys`` lets a day go by for all keys,
    ``outdate_retranscodes`` for what was transcoded again.
    """

    commands: VideoCommands
    queries: VideoQueries
    history: History
    claims: Claims
    observe: Callable[..., None]
    intend: Callable[[str, int], None]
    import_it: Callable[[str], None]
    retire: Callable[[str], None]
    age: Callable[[str, timedelta], None]
    claimed: Callable[[], set[tuple[str, int, str]]]
    next_nudge: Callable[[], Wakeup | None]
    hold_key: Callable[[str], AbstractContextManager[None]]
    outdate_keys: Callable[[], None]
    outdate_retranscodes: Callable[[], None]
    stop: Callable[[], None]

    def row(self, video_id: str = VIDEO) -> VideoRow:
        """Return a row that is there."""
        row = self.queries.get(video_id)
        assert row is not None
        return row

    def create(self, *video_ids: str) -> None:
        """Create Ann's videos, one after the other."""
        for video_id in video_ids or (VIDEO,):
            self.commands.create(a_new_video(video_id), per_hour=10)

    def reject(self, confirmations: int) -> None:
        """Refuse the file that is there."""
        self.observe(VIDEO, rejected=Rejection("not_a_video", "no video", "etag@1", confirmations))

    def enter(self, phase: Phase, video_id: str = VIDEO, **changes: Any) -> None:
        """Bring a video into a phase, with what belongs to it."""
        self.observe(video_id, **in_phase(phase), **changes)

    def listed(self, **selected: Any) -> list[str]:
        """Return the ids on the first page of Ann's videos."""
        page = self.queries.of_owner(Selection("ann", **selected), after=None, at_most=10)
        assert page.last is None
        return [row.desired.video_id for row in page.rows]


def in_phase(phase: Phase) -> dict[str, Any]:
    """Return what an observation of this phase cannot be without."""
    return {
        "phase": phase,
        "deadline_at": None if phase in AT_REST else NOON,
        "failure": Failure(FailureCode.TRANSCODE_FAILED, "the job failed", 1) if phase is Phase.ERRORED else None,
    }


def a_new_video(
    video_id: str = VIDEO,
    *,
    owner: str = "ann",
    declared_bytes: int | None = 9000,
    upload_mode: UploadMode = UploadMode.SINGLE,
) -> NewVideo:
    """Return what a client asks for."""
    return NewVideo(
        video_id=video_id,
        owner=owner,
        title="Cats",
        filename="cats.mp4",
        content_type="video/mp4",
        declared_bytes=declared_bytes,
        region="tor1",
        storage_key=f"uploads/{video_id}/original.mp4",
        upload_mode=upload_mode,
    )


class ClientRowsContract:
    """Subclasses give the fixture ``rows``: empty, of this test's own."""

    def test_a_created_row_holds_the_wish_and_waits_for_the_file(self, rows: Rows) -> None:
        row = rows.commands.create(a_new_video(), per_hour=10).row

        desired = row.desired
        assert {name: getattr(desired, name) for name in wished(a_new_video())} == wished(a_new_video())
        assert (desired.revision, desired.origin, desired.upload_mode) == (1, Origin.API, UploadMode.SINGLE)
        assert (row.observed.phase, row.observed.revision, row.retired) == (Phase.UPLOADING, 1, False)
        assert row.observed.deadline_at is not None
        assert rows.row() == row

    def test_a_row_that_was_never_created_is_none(self, rows: Rows) -> None:
        assert rows.queries.get(VIDEO) is None

    def test_the_limit_counts_one_owner_and_leaves_no_row(self, rows: Rows) -> None:
        rows.commands.create(a_new_video(), per_hour=1)
        with pytest.raises(LimitReachedError) as reached:
            rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=1)

        assert reached.value.per_hour == 1
        assert 0 < reached.value.retry_after_seconds <= 3600
        assert rows.queries.get(OTHER_VIDEO) is None
        rows.commands.create(a_new_video(OTHER_VIDEO, owner="bob"), per_hour=1)

    def test_a_confirmation_counts_once(self, rows: Rows) -> None:
        rows.create()
        first = rows.commands.confirm(VIDEO)

        assert (first.desired.confirmations, first.desired.revision) == (1, 2)
        assert rows.commands.confirm(VIDEO) == first

    def test_after_a_rejection_the_next_confirmation_counts(self, rows: Rows) -> None:
        rows.create()
        rows.commands.confirm(VIDEO)
        rows.reject(1)

        assert rows.commands.confirm(VIDEO).desired.confirmations == 2

    def test_past_uploading_a_confirmation_changes_nothing(self, rows: Rows) -> None:
        rows.create()
        rows.enter(Phase.UPLOADED)
        before = rows.row()

        assert rows.commands.confirm(VIDEO) == before

    def test_a_retry_counts_just_where_it_means_something(self, rows: Rows) -> None:
        rows.create()
        for phase, reason in product(Phase, Reason):
            rows.enter(phase, reason=reason, retries=rows.row().desired.retries)
            before = rows.row()
            after = rows.commands.retry(VIDEO)

            assert rows.row() == after
            changed = (after.desired.retries - before.desired.retries, after.desired.revision - before.desired.revision)
            assert changed == ((1, 1) if is_retryable(before.observed) else (0, 0)), (phase, reason)

    def test_a_retry_that_is_asked_for_again_counts_once_until_it_was_taken_up(self, rows: Rows) -> None:
        rows.create()
        rows.enter(Phase.ERRORED)
        first = rows.commands.retry(VIDEO)
        assert rows.commands.retry(VIDEO) == first

        rows.enter(Phase.ERRORED, retries=1)
        assert rows.commands.retry(VIDEO).desired.retries == 2

    def test_a_deletion_is_dated_and_taken_back(self, rows: Rows) -> None:
        rows.create()
        deleted = rows.commands.delete(VIDEO)
        assert (deleted.desired.deleted, deleted.desired.revision) == (True, 2)
        assert deleted.deleted_at is not None
        assert rows.commands.delete(VIDEO) == deleted

        restored = rows.commands.restore(VIDEO)
        assert (restored.desired.deleted, restored.desired.revision, restored.deleted_at) == (False, 3, None)
        assert rows.commands.restore(VIDEO) == restored

    def test_what_is_deleted_can_be_neither_retried_nor_confirmed(self, rows: Rows) -> None:
        rows.create(VIDEO, OTHER_VIDEO)
        rows.enter(Phase.ERRORED)
        for video_id in (VIDEO, OTHER_VIDEO):
            rows.commands.delete(video_id)

        assert rows.commands.retry(VIDEO).desired.retries == 0
        assert rows.commands.confirm(OTHER_VIDEO).desired.confirmations == 0

    def test_a_deletion_cannot_be_taken_back_when_the_files_are_about_to_go(self, rows: Rows) -> None:
        rows.create()
        rows.commands.delete(VIDEO)
        rows.age(VIDEO, restore_window(Timing()) - timedelta(minutes=1))
        assert not rows.commands.restore(VIDEO).desired.deleted

        rows.commands.delete(VIDEO)
        rows.age(VIDEO, restore_window(Timing()))
        before = rows.row()
        assert rows.commands.restore(VIDEO) == before

    @pytest.mark.parametrize("name", ["confirm", "retry", "delete", "restore"])
    def test_every_change_brings_the_resource_back_and_wakes_the_operator(self, rows: Rows, name: str) -> None:
        rows.create()
        if name == "retry":
            rows.enter(Phase.ERRORED)
        if name == "restore":
            rows.commands.delete(VIDEO)
            assert rows.next_nudge() == Wakeup(VIDEO, Cause.PERSON)
        rows.retire(VIDEO)
        before = rows.row()
        after = getattr(rows.commands, name)(VIDEO)

        assert before.retired
        assert (after.retired, after.desired.revision) == (False, before.desired.revision + 1)
        assert rows.next_nudge() == Wakeup(VIDEO, Cause.CLIENT if name == "confirm" else Cause.PERSON)

    @pytest.mark.parametrize("name", ["confirm", "retry", "delete", "restore"])
    def test_the_wish_of_an_import_is_left_alone(self, rows: Rows, name: str) -> None:
        rows.create()
        if name == "retry":
            rows.enter(Phase.ERRORED)
        if name == "restore":
            rows.commands.delete(VIDEO)
        rows.import_it(VIDEO)
        before = rows.row()

        assert getattr(rows.commands, name)(VIDEO) == before

    @pytest.mark.parametrize("name", ["confirm", "retry", "delete", "restore"])
    def test_a_row_that_is_gone_cannot_be_changed(self, rows: Rows, name: str) -> None:
        with pytest.raises(VideoGoneError):
            getattr(rows.commands, name)(VIDEO)

    def test_the_history_tells_what_caused_each_transition_newest_last(self, rows: Rows) -> None:
        rows.create()
        rows.enter(Phase.UPLOADED, reason=Reason.WAITING_FOR_SUBMISSION, message="the next submission is due")
        first, second = rows.history.of_video(VIDEO, at_most=9)

        assert (first.cause, first.phase, first.reason) == (Cause.CLIENT, Phase.UPLOADING, Reason.WAITING_FOR_FILE)
        assert (second.cause, second.phase, second.message) == (
            Cause.POLL,
            Phase.UPLOADED,
            "the next submission is due",
        )
        assert rows.history.of_video(VIDEO, at_most=1) == [second]
        assert rows.history.of_video(OTHER_VIDEO, at_most=9) == []

    def test_claims_are_kept_once_and_only_for_attempts_that_were_made(self, rows: Rows) -> None:
        rows.create()
        rows.intend(VIDEO, 1)
        for video_id, attempt in [(VIDEO, 1), (VIDEO, 1), (VIDEO, 2), (OTHER_VIDEO, 1)]:
            rows.claims.record(video_id=video_id, attempt=attempt, job_id="S9BkOufdntiPR9")

        assert rows.claimed() == {(VIDEO, 1, "S9BkOufdntiPR9")}

    def test_without_postgres_everything_is_unavailable(self, rows: Rows) -> None:
        rows.create()
        rows.stop()

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
            lambda: queries.dead_letters(after=None, at_most=1),
            lambda: rows.history.of_video(VIDEO, at_most=1),
            lambda: rows.claims.record(video_id=VIDEO, attempt=1, job_id="S9BkOufdntiPR9"),
        ]
        for call in calls:
            with pytest.raises(UnavailableError):
                call()
