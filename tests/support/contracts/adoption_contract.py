"""What `database.adoption.Adoption` and `FakeRecords` have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from database.adoption import Adoption
from database.attempts import Attempts
from database.observations import Observations
from database.retention import Retention
from domain.records import AttemptState, Cause, EventRow, Intend, Settle, VideoRow
from domain.video import DesiredState, ObservedState, Origin, Phase, Published, Reason
from tests.support.builders.rows import NOON, a_desired_state, a_failure, an_attempt, an_observation, row_of
from tests.support.fakes.records import FakeRecords

VIDEO = "learntlearntlearntlearntle"
IMPORT = "launch-film"
LATER = NOON + timedelta(hours=3)
PUBLISHED = Published(edition=1, attempt=2, duration_seconds=5.0, renditions=(), has_poster=False)


@dataclass(frozen=True)
class AdoptionRecords:
    """Records under test, as the API writes them and the outbox shows them."""

    adoption: Adoption | FakeRecords
    observations: Observations | FakeRecords
    attempts: Attempts | FakeRecords
    retention: Retention | FakeRecords
    create: Callable[[str], VideoRow]
    history: Callable[[str], list[EventRow]]
    notified: Callable[[], set[tuple[str, int, str]]]

    def row(self, video_id: str = VIDEO) -> VideoRow:
        """Return a row that is there."""
        row = self.observations.get(video_id)
        assert row is not None
        return row

    def record_attempt(self, number: int, state: AttemptState, job_id: str | None = None) -> VideoRow:
        """Play an earlier pass: intend an attempt, and settle it."""
        row, after = self.row(), replace(self.row().observed, attempt=number)
        intended = self.observations.commit(row, after, cause=Cause.POLL, attempt=Intend(number, 1, NOON))
        assert intended is not None
        if state is AttemptState.INTENDED:
            return intended
        settled = Settle(number, state, NOON, job_id)
        row_after = self.observations.commit(intended, after, cause=Cause.POLL, attempt=settled)
        assert row_after is not None
        return row_after

    def states(self, video_id: str = VIDEO) -> list[tuple[int, AttemptState, str | None]]:
        """Return the state and job of each recorded attempt."""
        return [(row.attempt, row.state, row.job_id) for row in self.attempts.since(video_id, floor=0)]


def at_work(phase: Phase = Phase.PROCESSING, *, revision: int = 9, **changes: Any) -> ObservedState:
    """Return an observation that a resource shows."""
    ends_at = None if phase in {Phase.READY, Phase.ERRORED} else NOON
    defaults: dict[str, Any] = {"revision": revision, "deadline_at": ends_at}
    return an_observation(phase, **defaults | changes)


def an_import(**changes: Any) -> DesiredState:
    """Return the desired state of an import that names nothing but its file."""
    nothing = {"owner": "", "title": "", "filename": "", "content_type": "", "region": "", "declared_bytes": None}
    key = {"video_id": IMPORT, "origin": Origin.KUBERNETES, "storage_key": "imports/films/launch.mov"}
    return a_desired_state(**nothing | key | changes)


class AdoptionContract:
    """Subclasses give the fixture ``records``: empty but for the row of VIDEO."""

    def test_a_restored_observation_keeps_its_revision(self, records: AdoptionRecords) -> None:
        before, seen = records.row(), at_work()
        after = records.adoption.learn(before, observed=seen, at=LATER)
        assert after == replace(before, observed=seen) == records.row()

    def test_a_restored_desired_state_keeps_the_observation(self, records: AdoptionRecords) -> None:
        before = records.row()
        desired = replace(before.desired, revision=7, title="Another", declared_bytes=5, edition=3, retries=2)
        after = records.adoption.learn(before, desired=desired, at=LATER)
        assert after == replace(before, desired=desired) == records.row()

    def test_a_restored_row_is_no_longer_retired(self, records: AdoptionRecords) -> None:
        retired = records.retention.retire(records.row())
        assert retired is not None
        after = records.adoption.learn(retired, desired=replace(retired.desired, revision=2), at=LATER)
        assert after is not None
        assert not after.retired

    @pytest.mark.parametrize("half", ["desired", "observed"])
    def test_a_row_that_changed_meanwhile_is_not_restored(self, records: AdoptionRecords, half: str) -> None:
        stale = records.row()
        newer: dict[str, Any] = {
            "desired": {"desired": replace(stale.desired, revision=2, title="Another")},
            "observed": {"observed": replace(stale.observed, revision=2, message="newer")},
        }
        moved = records.adoption.learn(stale, **newer[half], at=LATER)
        assert moved is not None
        desired, observed = replace(stale.desired, revision=9), replace(stale.observed, revision=9)
        assert records.adoption.learn(stale, desired=desired, at=LATER) is None
        assert records.adoption.learn(stale, observed=observed, at=LATER) is None
        assert records.row() == moved

    def test_a_row_never_takes_an_older_state(self, records: AdoptionRecords) -> None:
        row = records.record_attempt(2, AttemptState.UNCERTAIN)
        restored = records.adoption.learn(row, desired=replace(row.desired, revision=5), at=LATER)
        assert restored is not None
        assert records.adoption.learn(restored, desired=replace(row.desired, revision=4), at=LATER) is None
        assert records.adoption.learn(restored, observed=at_work(revision=1), at=LATER) is None
        assert records.adoption.learn(restored, observed=at_work(attempt=1), at=LATER) is None
        assert (records.row(), records.states()) == (restored, [(2, AttemptState.UNCERTAIN, None)])

    def test_a_deletion_is_dated_once_and_its_date_goes_with_it(self, records: AdoptionRecords) -> None:
        before, lines = records.row(), len(records.history(VIDEO))
        gone = records.adoption.learn(before, desired=replace(before.desired, revision=2, deleted=True), at=LATER)
        assert gone is not None
        assert gone.deleted_at is not None
        still = records.adoption.learn(gone, desired=replace(gone.desired, revision=3), at=LATER)
        assert still is not None
        assert still.deleted_at == gone.deleted_at
        back = records.adoption.learn(still, desired=replace(gone.desired, revision=4, deleted=False), at=LATER)
        assert back is not None
        assert (back.deleted_at, back.desired.deleted) == (None, False)
        said = [line.message for line in records.history(VIDEO)[lines:]]
        assert said == ["the video was deleted", "the video was restored"]

    @pytest.mark.parametrize(
        ("seen", "state"),
        [
            pytest.param(at_work(attempt=2, job_id="job2"), AttemptState.ACCEPTED, id="a-job-runs"),
            pytest.param(
                at_work(attempt=2, job_id="job2", reason=Reason.PUBLISHING, published=PUBLISHED),
                AttemptState.COMPLETED,
                id="its-outputs-are-being-published",
            ),
            pytest.param(
                at_work(Phase.READY, attempt=2, job_id="job2", published=PUBLISHED),
                AttemptState.COMPLETED,
                id="its-outputs-are-published",
            ),
            pytest.param(
                at_work(Phase.ERRORED, attempt=2, job_id="job2", failure=a_failure()),
                AttemptState.FAILED,
                id="it-failed-for-good",
            ),
            pytest.param(
                at_work(Phase.UPLOADED, attempt=2, job_id="job2"),
                AttemptState.FAILED,
                id="it-failed-and-may-be-followed",
            ),
            pytest.param(
                at_work(Phase.UPLOADED, attempt=2, attempt_floor=2, job_id="job2"),
                AttemptState.FAILED,
                id="it-belongs-to-an-earlier-edition",
            ),
        ],
    )
    def test_the_newest_attempt_is_recorded(
        self, records: AdoptionRecords, seen: ObservedState, state: AttemptState
    ) -> None:
        records.adoption.learn(records.row(), observed=seen, at=LATER)
        assert records.states() == [(1, AttemptState.FAILED, None), (2, state, "job2")]

    def test_an_attempt_without_a_job_is_uncertain(self, records: AdoptionRecords) -> None:
        records.adoption.learn(records.row(), observed=at_work(Phase.UPLOADED, attempt=1), at=LATER)
        (attempt,) = records.attempts.since(VIDEO, floor=0)
        assert attempt == an_attempt(1, AttemptState.UNCERTAIN, video_id=VIDEO, intended_at=LATER, settled_at=LATER)

    @pytest.mark.parametrize("state", [AttemptState.REFUSED, AttemptState.INTENDED, AttemptState.UNCERTAIN])
    def test_an_unresolved_attempt_takes_its_job(self, records: AdoptionRecords, state: AttemptState) -> None:
        row = records.record_attempt(1, state)
        records.adoption.learn(row, observed=at_work(attempt=1, job_id="job1"), at=LATER)
        assert records.states() == [(1, AttemptState.ACCEPTED, "job1")]

    def test_a_refused_attempt_that_was_made_again_is_open_from_now_on(self, records: AdoptionRecords) -> None:
        row = records.record_attempt(1, AttemptState.REFUSED)
        records.adoption.learn(row, observed=at_work(Phase.UPLOADED, attempt=1), at=LATER)
        (attempt,) = records.attempts.since(VIDEO, floor=0)
        assert (attempt.state, attempt.intended_at) == (AttemptState.UNCERTAIN, LATER)

    def test_a_refused_attempt_that_others_followed_was_made_again(self, records: AdoptionRecords) -> None:
        row = records.record_attempt(1, AttemptState.REFUSED)
        records.adoption.learn(row, observed=at_work(attempt=2, job_id="job2"), at=LATER)
        assert records.states() == [(1, AttemptState.FAILED, None), (2, AttemptState.ACCEPTED, "job2")]

    @pytest.mark.parametrize("state", [AttemptState.COMPLETED, AttemptState.FAILED, AttemptState.ABANDONED])
    def test_an_attempt_with_a_more_certain_state_keeps_it(self, records: AdoptionRecords, state: AttemptState) -> None:
        row = records.record_attempt(1, state)
        records.adoption.learn(row, observed=at_work(Phase.UPLOADED, attempt=1), at=LATER)
        assert records.states() == [(1, state, None)]

    def test_a_recorded_job_is_kept(self, records: AdoptionRecords) -> None:
        row = records.record_attempt(1, AttemptState.ACCEPTED, "job1")
        records.adoption.learn(row, observed=at_work(Phase.ERRORED, attempt=1, failure=a_failure()), at=LATER)
        assert records.states() == [(1, AttemptState.FAILED, "job1")]

    def test_a_restored_state_is_recorded_once_in_the_history(self, records: AdoptionRecords) -> None:
        lines = len(records.history(VIDEO))
        row = records.adoption.learn(records.row(), observed=at_work(attempt=1), at=LATER)
        assert row is not None
        records.adoption.learn(row, desired=replace(row.desired, revision=2), at=LATER)
        (line,) = records.history(VIDEO)[lines:]
        assert (line.cause, line.phase, line.observed_revision) == (Cause.SWEEP, Phase.PROCESSING, 9)

    def test_the_owner_is_notified_of_a_restored_end(self, records: AdoptionRecords) -> None:
        ready = at_work(Phase.READY, attempt=2, published=PUBLISHED)
        row = records.adoption.learn(records.row(), observed=ready, at=LATER)
        assert row is not None
        records.adoption.learn(row, observed=replace(ready, revision=10), at=LATER)
        assert records.notified() == {(VIDEO, 1, "video.ready")}

    def test_an_import_needs_nothing_but_a_file(self, records: AdoptionRecords) -> None:
        desired, seen = an_import(), at_work(Phase.UPLOADING, revision=1)
        row = records.adoption.adopt(desired, seen, created_at=None, at=NOON)
        assert row is not None
        assert row == row_of(desired, seen, created_at=row.created_at) == records.row(IMPORT)
        assert [line.phase for line in records.history(IMPORT)] == [Phase.UPLOADING]
        assert records.states(IMPORT) == []

    def test_a_lost_row_comes_back_with_its_attempts(self, records: AdoptionRecords) -> None:
        desired, seen = (
            replace(a_desired_state(), revision=4),
            at_work(Phase.READY, attempt=2, job_id="job2", published=PUBLISHED),
        )
        row = records.adoption.adopt(desired, seen, created_at=NOON, at=LATER)
        assert row == row_of(desired, seen)
        assert records.states(desired.video_id) == [(1, AttemptState.FAILED, None), (2, AttemptState.COMPLETED, "job2")]
        assert records.notified() == {(desired.video_id, 1, "video.ready")}

    def test_a_row_that_comes_back_deleted_is_dated(self, records: AdoptionRecords) -> None:
        row = records.adoption.adopt(a_desired_state(deleted=True), at_work(), created_at=NOON, at=LATER)
        assert row is not None
        assert row.deleted_at is not None

    def test_an_existing_row_is_not_adopted(self, records: AdoptionRecords) -> None:
        before = records.row()
        assert (
            records.adoption.adopt(a_desired_state(video_id=VIDEO), at_work(attempt=1), created_at=None, at=NOON)
            is None
        )
        assert (records.row(), records.states()) == (before, [])

    def test_a_purged_video_stays_gone_and_an_import_of_its_name_continues_its_numbers(
        self, records: AdoptionRecords
    ) -> None:
        row = records.record_attempt(2, AttemptState.FAILED)
        gone = records.adoption.learn(row, desired=replace(row.desired, revision=2, deleted=True), at=LATER)
        assert gone is not None
        assert records.retention.purge(gone)

        again: dict[str, Any] = {"created_at": None, "at": LATER}
        assert records.adoption.adopt(a_desired_state(video_id=VIDEO), at_work(attempt=9), **again) is None
        desired = an_import(video_id=VIDEO)
        assert records.adoption.adopt(desired, at_work(Phase.UPLOADING, attempt=1), **again) is None
        assert (
            records.adoption.adopt(desired, at_work(Phase.UPLOADING, attempt=2, attempt_floor=2), **again) is not None
        )

    def test_the_rows_of_a_page_of_names_are_read(self, records: AdoptionRecords) -> None:
        imported = records.adoption.adopt(an_import(), at_work(), created_at=None, at=NOON)
        found = records.adoption.rows_of([VIDEO, "nobody", IMPORT])
        assert {row.desired.video_id: row for row in found} == {VIDEO: records.row(), IMPORT: imported}
        assert records.adoption.rows_of([]) == []
