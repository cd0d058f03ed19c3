"""What database/ and `FakeRecords` have in common when rows end, and in what their owners are sent."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from database.attempts import Attempts
from database.observations import Observations
from database.retention import Retention
from domain.failures import Failure, FailureCode
from domain.records import Cause, Intend, VideoRow
from domain.video import ObservedState, Phase, Reason
from tests.support.fakes.records import FakeRecords

VIDEO = "endingsendingsendingsendin"
OTHER = "zzzzzzzendingsendingsendin"
LATER = timedelta(minutes=1)


@dataclass(frozen=True)
class Ends:
    """Records under test, as the API changes them. ``notified``: the edition and kind of each notification."""

    observations: Observations | FakeRecords
    attempts: Attempts | FakeRecords
    retention: Retention | FakeRecords
    create: Callable[[str], VideoRow]
    delete: Callable[[str], VideoRow]
    restore: Callable[[str], object]
    confirm: Callable[[str], VideoRow]
    notified: Callable[[str], list[tuple[int, str]]]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def running(self) -> int:
        """Return how many jobs count as running."""
        load = self.observations.submission_load(self.now(), per_owner=9, at_most=9)
        return sum(load.running.values())

    def row(self, video_id: str = VIDEO) -> VideoRow:
        """Return a row that is there."""
        row = self.observations.get(video_id)
        assert row is not None
        return row

    def commit(self, after: ObservedState, attempt: Intend | None = None) -> VideoRow:
        """Store an observation of VIDEO."""
        row = self.observations.commit(self.row(), after, cause=Cause.POLL, attempt=attempt)
        assert row is not None
        return row


def ready(observed: ObservedState, **changes: object) -> ObservedState:
    """Return the observation at rest."""
    defaults: dict[str, object] = {
        "phase": Phase.READY,
        "reason": Reason.PUBLISHED,
        "deadline_at": None,
        "failure": None,
    }
    return replace(observed, **defaults | changes)  # type: ignore[arg-type]


def errored(observed: ObservedState) -> ObservedState:
    """Return the observation of a failure."""
    failure = Failure(FailureCode.JOB_LOST, "lost", 1)
    return ready(observed, phase=Phase.ERRORED, reason=Reason.FAILED, failure=failure)


class RetentionContract:
    """Subclasses give the fixture ``ends``: empty but for the row of VIDEO."""

    def test_a_row_retires_once(self, ends: Ends) -> None:
        before = ends.row()
        assert ends.retention.retire(before) == replace(before, retired=True)
        assert ends.retention.retire(before) is None
        assert ends.observations.working(after="", at_most=9) == []

    def test_a_row_that_changed_is_not_retired(self, ends: Ends) -> None:
        before = ends.row()
        ends.confirm(VIDEO)
        assert ends.retention.retire(before) is None
        moved = ends.row()
        ends.commit(replace(moved.observed, message="seen"))
        assert ends.retention.retire(moved) is None
        assert not ends.row().retired

    def test_a_new_desired_state_brings_a_retired_row_back(self, ends: Ends) -> None:
        ends.retention.retire(ends.row())
        ends.delete(VIDEO)
        assert [row.video_id for row in ends.observations.working(after="", at_most=9)] == [VIDEO]

    def test_a_wanted_row_is_not_purged(self, ends: Ends) -> None:
        assert not ends.retention.purge(ends.row())
        assert ends.row()

    def test_a_purge_leaves_only_a_tombstone_and_notifications(self, ends: Ends) -> None:
        ends.commit(replace(ends.row().observed, attempt=2), Intend(2, 1, ends.now()))
        ends.delete(VIDEO)
        assert ends.retention.purge(ends.row())
        assert ends.observations.get(VIDEO) is None
        assert ends.attempts.since(VIDEO, floor=0) == []
        assert ends.retention.last_attempt(VIDEO) == 2
        assert ends.notified(VIDEO) == [(1, "video.deleted")]

    def test_a_purge_begins_only_while_the_row_is_deleted_and_as_it_was_read(self, ends: Ends) -> None:
        assert ends.retention.begin_purge(ends.row(), grace=LATER) is None
        before = ends.delete(VIDEO)
        begun = ends.retention.begin_purge(before, grace=LATER)
        assert begun is not None
        assert begun.deleted_at is not None
        assert begun.deleted_at <= ends.now() - LATER / 2
        ends.commit(replace(ends.row().observed, message="seen"))
        assert ends.retention.begin_purge(before, grace=LATER) is None

    def test_a_row_that_changed_is_not_purged(self, ends: Ends) -> None:
        before = ends.delete(VIDEO)
        ends.commit(replace(ends.row().observed, message="seen"))
        assert not ends.retention.purge(before)
        assert ends.row()

    def test_an_unknown_name_has_no_tombstone(self, ends: Ends) -> None:
        assert ends.retention.last_attempt(VIDEO) is None

    def test_a_deleted_row_is_purgeable_after_its_grace(self, ends: Ends) -> None:
        ends.create(OTHER)
        assert ends.retention.purgeable(before=ends.now() + LATER, at_most=9) == []
        ends.delete(OTHER)
        ends.delete(VIDEO)
        assert sorted(ends.retention.purgeable(before=ends.now() + LATER, at_most=9)) == [VIDEO, OTHER]
        assert len(ends.retention.purgeable(before=ends.now() + LATER, at_most=1)) == 1
        assert ends.retention.purgeable(before=ends.now() - LATER, at_most=9) == []

    def test_a_failed_upload_expires_after_its_retention_its_file_earlier(self, ends: Ends) -> None:
        def expired(*, files: timedelta = LATER, rows: timedelta = LATER) -> list[str]:
            now = ends.now()
            return ends.retention.expired(files_before=now - files, rows_before=now - rows, at_most=9)

        assert expired(files=-LATER, rows=-LATER) == []
        ends.commit(replace(errored(ends.row().observed), phase_since=ends.now()))
        assert expired() == []
        assert expired(files=-LATER) == expired(rows=-LATER) == expired(files=-LATER, rows=-LATER) == [VIDEO]
        ends.commit(replace(ends.row().observed, reason=Reason.FILE_REMOVED))
        assert expired(files=-LATER) == []
        assert expired(rows=-LATER) == [VIDEO]

    @pytest.mark.parametrize("change", [{"is_playable": True}, {"is_paused": True}, {"phase": Phase.READY}], ids=str)
    def test_a_playable_paused_or_unfailed_upload_does_not_expire(self, ends: Ends, change: dict[str, object]) -> None:
        observed = replace(errored(ends.row().observed), phase_since=ends.now() - LATER)
        if "phase" in change:
            observed = ready(observed)
        ends.commit(replace(observed, **change))  # type: ignore[arg-type]
        assert ends.retention.expired(files_before=ends.now(), rows_before=ends.now(), at_most=9) == []

    def test_an_expired_upload_is_deleted_like_any_other_and_can_be_restored(self, ends: Ends) -> None:
        before = ends.commit(replace(errored(ends.row().observed), phase_since=ends.now() - LATER))
        retired = ends.retention.retire(before)
        assert retired is not None
        deleted = ends.retention.expire(retired, after=LATER)
        assert deleted is not None
        assert (deleted.desired.deleted, deleted.desired.revision) == (True, before.desired.revision + 1)
        assert deleted.retired, "its resource is not made again to be deleted"
        assert ends.retention.purgeable(before=ends.now() + LATER, at_most=9) == [VIDEO]
        assert ends.retention.expired(files_before=ends.now(), rows_before=ends.now(), at_most=9) == []

        ends.restore(VIDEO)
        assert ends.row().restored_at is not None
        assert ends.retention.expired(files_before=ends.now() - LATER, rows_before=ends.now() - LATER, at_most=9) == []
        assert ends.retention.expire(ends.row(), after=LATER) is None

    def test_an_upload_that_changed_or_is_not_due_does_not_expire(self, ends: Ends) -> None:
        before = ends.commit(replace(errored(ends.row().observed), phase_since=ends.now()))
        assert ends.retention.expire(before, after=LATER) is None
        old = ends.commit(replace(before.observed, phase_since=ends.now() - LATER))
        ends.commit(replace(old.observed, message="seen"))
        assert ends.retention.expire(old, after=LATER) is None
        ends.commit(replace(ends.row().observed, is_playable=True))
        assert ends.retention.expire(ends.row(), after=LATER) is None
        assert not ends.row().desired.deleted

    def test_recent_records_are_kept(self, ends: Ends) -> None:
        ends.delete(VIDEO)
        ends.retention.purge(ends.row())
        assert ends.retention.forget_old() == 0
        assert ends.retention.last_attempt(VIDEO) is not None

    def test_an_owner_is_notified_once_for_each_edition_and_kind(self, ends: Ends) -> None:
        for _ in range(2):
            row = ends.commit(errored(ends.row().observed))
            row = ends.commit(replace(row.observed, phase=Phase.UPLOADING, deadline_at=ends.now(), failure=None))
        ends.commit(ready(ends.row().observed))
        ends.commit(replace(ends.row().observed, message="seen again"))
        assert sorted(ends.notified(VIDEO)) == [(1, "video.errored"), (1, "video.ready")]

    def test_a_row_behind_its_edition_is_behind_unless_paused_or_deleted(self, ends: Ends) -> None:
        def is_behind() -> bool:
            return ends.observations.working(after="", at_most=1)[0].is_behind

        assert not is_behind()
        ends.commit(replace(ends.row().observed, edition=0))
        assert is_behind()
        ends.commit(replace(ends.row().observed, is_paused=True))
        assert not is_behind()
        ends.commit(replace(ends.row().observed, is_paused=False))
        ends.delete(VIDEO)
        assert not is_behind()

    def test_a_row_whose_files_are_to_move_is_behind_once_it_is_at_rest(self, ends: Ends) -> None:
        def is_behind() -> bool:
            return ends.observations.working(after="", at_most=1)[0].is_behind

        ends.commit(replace(ends.row().observed, attempt=1, is_private=True))
        assert not is_behind()
        ends.commit(ready(ends.row().observed))
        assert is_behind()
        ends.commit(replace(ends.row().observed, is_private=False))
        assert not is_behind()
        ends.commit(replace(ends.row().observed, is_relocating=True))
        assert is_behind()
        ends.delete(VIDEO)
        assert not is_behind()

    def test_running_jobs_are_those_of_rows_in_processing(self, ends: Ends) -> None:
        assert ends.running() == 0
        ends.commit(replace(ends.row().observed, phase=Phase.PROCESSING, deadline_at=ends.now() + LATER))
        assert ends.running() == 1

    def test_a_deleted_video_is_no_running_job(self, ends: Ends) -> None:
        ends.commit(replace(ends.row().observed, phase=Phase.PROCESSING, deadline_at=ends.now() + LATER))
        ends.delete(VIDEO)
        assert ends.running() == 0

    def test_a_paused_video_counts_as_running_until_its_deadline_at_most(self, ends: Ends) -> None:
        held = replace(ends.row().observed, phase=Phase.PROCESSING, is_paused=True)
        ends.commit(replace(held, deadline_at=ends.now() + LATER))
        assert ends.running() == 1
        ends.commit(replace(held, deadline_at=ends.now() - LATER))
        assert ends.running() == 0
