"""What database/ and `FakeRecords` have in common, as the operator uses them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from database.attempts import Attempts
from database.job_claims import Claims
from database.observations import Observations
from domain.records import AttemptChange, AttemptRow, AttemptState, Cause, EventRow, Intend, Settle, VideoRow
from domain.spending import SpendingLimits, SubmissionLoad
from domain.video import Phase, Reason
from tests.support.builders.rows import NOON, an_attempt
from tests.support.fakes.records import FakeRecords

VIDEO = "recordrecordrecordrecordre"
OTHER = "zzzzzzrecordrecordrecordre"

MOMENT = timedelta(microseconds=1)
NOT_AGAIN = sorted(set(AttemptState) - {AttemptState.REFUSED})


@dataclass(frozen=True)
class Records:
    """Records under test, as the API changes them."""

    observations: Observations | FakeRecords
    attempts: Attempts | FakeRecords
    claims: Claims | FakeRecords
    create: Callable[[str], VideoRow]
    confirm: Callable[[str], VideoRow]
    claim: Callable[[str, int, str], None]
    history: Callable[[str], list[EventRow]]

    def row(self, video_id: str = VIDEO) -> VideoRow:
        """Return a row that is there."""
        row = self.observations.get(video_id)
        assert row is not None
        return row

    def commit(self, before: VideoRow, attempt: AttemptChange | None = None, message: str = "seen") -> VideoRow | None:
        """Commit an observation that differs in its message."""
        after = replace(before.observed, message=message)
        return self.observations.commit(before, after, cause=Cause.POLL, attempt=attempt)

    def intend(self, number: int, video_id: str = VIDEO) -> VideoRow | None:
        """Record a submission."""
        return self.commit(self.row(video_id), Intend(number, 1, NOON), f"intent {number}")

    def settle(
        self, number: int, state: AttemptState, job_id: str | None = None, video_id: str = VIDEO
    ) -> VideoRow | None:
        """Record what became of a submission."""
        return self.commit(self.row(video_id), Settle(number, state, NOON, job_id), f"{number} is {state}")

    def attempt(self, number: int = 1) -> AttemptRow:
        """Return a recorded submission."""
        return self.attempts.since(VIDEO, floor=number - 1)[0]


class RecordsContract:
    """Subclasses give the fixture ``records``: empty but for the row of VIDEO."""

    def test_an_unknown_video_has_no_row(self, records: Records) -> None:
        assert records.observations.get(OTHER) is None

    def test_a_commit_replaces_the_observation_and_raises_its_revision(self, records: Records) -> None:
        before = records.row()
        after = records.commit(before)
        assert after == replace(before, observed=replace(before.observed, revision=2, message="seen"))
        assert records.row() == after

    def test_a_commit_on_an_older_observation_is_dropped(self, records: Records) -> None:
        stale = records.row()
        newest = records.commit(stale, message="first")
        assert records.commit(stale, message="second") is None
        assert records.commit(stale, Intend(1, 1, NOON)) is None
        assert records.row() == newest
        assert records.attempts.since(VIDEO, floor=0) == []

    def test_a_commit_on_an_older_desired_state_is_dropped(self, records: Records) -> None:
        stale = records.row()
        newest = records.confirm(VIDEO)
        assert records.commit(stale) is None
        assert records.commit(stale, Intend(1, 1, NOON)) is None
        assert records.row() == newest

    def test_the_outcome_of_a_paid_job_is_kept_if_the_desired_state_changes(self, records: Records) -> None:
        intended = records.intend(1)
        assert intended is not None
        confirmed = records.confirm(VIDEO)
        after = records.commit(intended, Settle(1, AttemptState.ACCEPTED, NOON, "job1"))
        assert after is not None
        assert after.desired == confirmed.desired
        assert records.attempt().job_id == "job1"

    def test_an_intent_is_recorded_with_the_observation(self, records: Records) -> None:
        records.intend(1)
        assert records.attempt() == an_attempt(1, AttemptState.INTENDED, video_id=VIDEO)
        assert records.row().observed.message == "intent 1"

    def test_a_refused_submission_may_be_repeated(self, records: Records) -> None:
        records.intend(1)
        records.settle(1, AttemptState.REFUSED)
        assert records.attempt().settled_at == NOON
        assert records.intend(1) is not None
        assert (records.attempt().state, records.attempt().settled_at) == (AttemptState.INTENDED, None)

    @pytest.mark.parametrize("state", NOT_AGAIN)
    def test_no_other_submission_may_be_repeated(self, records: Records, state: AttemptState) -> None:
        records.intend(1)
        if state is not AttemptState.INTENDED:
            records.settle(1, state)
        before = records.row()
        assert records.intend(1) is None
        assert records.row() == before
        assert records.attempt().state is state

    def test_a_job_belongs_to_one_attempt(self, records: Records) -> None:
        records.create(OTHER)
        records.intend(1)
        records.intend(1, OTHER)
        records.settle(1, AttemptState.ACCEPTED, "job1", OTHER)
        before = records.row()
        assert records.settle(1, AttemptState.ACCEPTED, "job1") is None
        assert records.row() == before
        assert records.attempt().state is AttemptState.INTENDED

    def test_a_later_settlement_keeps_the_job(self, records: Records) -> None:
        records.intend(1)
        records.settle(1, AttemptState.ACCEPTED, "job1")
        records.settle(1, AttemptState.COMPLETED)
        assert (records.attempt().state, records.attempt().job_id) == (AttemptState.COMPLETED, "job1")

    def test_an_attempt_without_an_intent_cannot_be_settled(self, records: Records) -> None:
        before = records.row()
        assert records.settle(1, AttemptState.ACCEPTED, "job1") is None
        assert records.row() == before

    def test_an_intent_is_open_until_it_is_settled(self, records: Records) -> None:
        assert not records.attempts.is_open(VIDEO, 1)
        records.intend(1)
        assert records.attempts.is_open(VIDEO, 1)
        assert not records.attempts.is_open(OTHER, 1)
        records.settle(1, AttemptState.UNCERTAIN)
        assert not records.attempts.is_open(VIDEO, 1)

    def test_attempts_above_a_floor_come_in_order(self, records: Records) -> None:
        for number in (1, 2, 3):
            records.intend(number)
            records.settle(number, AttemptState.FAILED)
        assert [attempt.attempt for attempt in records.attempts.since(VIDEO, floor=1)] == [2, 3]
        assert records.attempts.since(OTHER, floor=0) == []

    def test_claims_are_kept_once_and_in_order(self, records: Records) -> None:
        records.intend(1)
        for job_id in ("job2", "job1", "job2"):
            records.claim(VIDEO, 1, job_id)
        assert list(records.claims.of_attempt(VIDEO, 1)) == ["job2", "job1"]

    def test_claims_for_attempts_never_made_are_dropped(self, records: Records) -> None:
        records.intend(1)
        records.claim(VIDEO, 2, "job1")
        records.intend(2)
        assert list(records.claims.of_attempt(VIDEO, 2)) == []

    def test_the_newest_claims_of_one_attempt_are_kept(self, records: Records) -> None:
        records.intend(1)
        for number in range(20):
            records.claim(VIDEO, 1, f"job{number}")
        assert list(records.claims.of_attempt(VIDEO, 1)) == [f"job{number}" for number in range(12, 20)]

    def test_a_claimed_job_of_another_attempt_is_ignored(self, records: Records) -> None:
        records.intend(1)
        records.settle(1, AttemptState.ACCEPTED, "job1")
        records.intend(2)
        records.claim(VIDEO, 2, "job1")
        records.claim(VIDEO, 2, "job2")
        assert list(records.claims.of_attempt(VIDEO, 2)) == ["job2"]
        records.claim(VIDEO, 1, "job1")
        assert list(records.claims.of_attempt(VIDEO, 1)) == ["job1"]

    def test_the_working_set_comes_in_pages(self, records: Records) -> None:
        records.create(OTHER)
        first = records.observations.working(after="", at_most=1)
        second = records.observations.working(after=first[0].video_id, at_most=1)
        assert [row.video_id for row in first + second] == [VIDEO, OTHER]
        assert (first[0].revision, first[0].observed_revision, first[0].phase) == (1, 1, Phase.UPLOADING)
        assert records.observations.working(after=OTHER, at_most=1) == []

    def test_a_pause_and_its_end_are_recorded_in_words(self, records: Records) -> None:
        lines = len(records.history(VIDEO))
        for is_paused in (True, False):
            row = records.row()
            paused = replace(row.observed, is_paused=is_paused)
            assert records.observations.commit(row, paused, cause=Cause.PERSON) is not None
        messages = [line.message for line in records.history(VIDEO)[lines:]]
        assert messages == ["a person paused the video", "a person ended the pause"]

    def test_each_transition_is_recorded_once(self, records: Records) -> None:
        lines = len(records.history(VIDEO))
        row = records.commit(records.row(), message="found")
        assert row is not None
        for changes in ({"progress_percent": 10}, {"reason": Reason.FILE_REJECTED}):
            row = records.observations.commit(row, replace(row.observed, **changes), cause=Cause.CLAIM)
            assert row is not None
        lines_after = [(line.cause, line.reason, line.observed_revision) for line in records.history(VIDEO)[lines:]]
        assert lines_after == [(Cause.POLL, Reason.WAITING_FOR_FILE, 2), (Cause.CLAIM, Reason.FILE_REJECTED, 4)]

    def test_an_owners_day_has_a_limit_and_one_submission_too_many_changes_nothing(self, records: Records) -> None:
        limits = SpendingLimits(submissions_per_owner=2)
        for number, state in ((1, AttemptState.FAILED), (2, AttemptState.ABANDONED)):
            assert self._buy(records, number, "ann", limits=limits) is not None
            records.settle(number, state)
        before = records.row()
        assert self._buy(records, 3, "ann", limits=limits) is None
        assert records.row() == before
        assert records.attempts.since(VIDEO, floor=2) == []

    def test_neither_another_owner_nor_an_import_nor_another_day_counts_for_an_owner(self, records: Records) -> None:
        limits = SpendingLimits(submissions_per_owner=1)
        midnight = NOON.replace(hour=0)
        assert self._buy(records, 1, "ann", limits=limits, at=midnight - MOMENT) is not None
        assert self._buy(records, 2, "bob", limits=limits, at=midnight) is not None
        assert self._buy(records, 3, None, limits=limits, at=midnight) is not None
        assert self._buy(records, 4, None, limits=limits, at=midnight) is not None
        assert self._buy(records, 5, "ann", limits=limits, at=midnight) is not None
        assert self._buy(records, 6, "ann", limits=limits, at=midnight + timedelta(days=1) - MOMENT) is None
        assert self._buy(records, 6, "ann", limits=limits, at=midnight + timedelta(days=1)) is not None

    def test_a_submission_that_an_outage_left_uncertain_uses_up_nothing_of_a_day(self, records: Records) -> None:
        limits = SpendingLimits(submissions_per_owner=1, minutes_per_day=10)
        for number in range(1, 4):
            assert self._buy(records, number, "ann", minutes=10, limits=limits) is not None
            settled = Settle(number, AttemptState.ABANDONED, NOON, answer="HTTP 500", is_charged=False)
            records.commit(records.row(), settled)
        load = records.observations.submission_load(NOON, per_owner=1, at_most=1)
        assert (load.submitted.get("ann", 0), load.minutes) == (0, 0)

    def test_the_newest_submission_that_led_to_a_job_is_found(self, records: Records) -> None:
        assert records.attempts.last_accepted_at() is None
        states = (AttemptState.ACCEPTED, AttemptState.ABANDONED, AttemptState.FAILED, AttemptState.UNCERTAIN)
        for number, state in enumerate(states, 1):
            assert self._buy(records, number, None, limits=SpendingLimits(), at=NOON + number * MOMENT) is not None
            records.settle(number, state)
        assert records.attempts.last_accepted_at() == NOON + 3 * MOMENT
        assert records.attempts.last_accepted_at(before=NOON + 3 * MOMENT) == NOON + MOMENT
        assert records.attempts.last_accepted_at(before=NOON + MOMENT) is None

    def test_a_submission_that_certainly_led_to_no_job_uses_up_nothing_of_a_day(self, records: Records) -> None:
        limits = SpendingLimits(submissions_per_owner=1, minutes_per_day=10)
        for _ in range(3):
            assert self._buy(records, 1, "ann", minutes=10, limits=limits) is not None
            records.settle(1, AttemptState.REFUSED)
        assert records.observations.submission_load(NOON, per_owner=1, at_most=1) == SubmissionLoad()

    def test_a_day_of_all_owners_holds_so_many_minutes(self, records: Records) -> None:
        limits = SpendingLimits(minutes_per_day=10)
        assert self._buy(records, 1, "ann", minutes=6, limits=limits) is not None
        assert self._buy(records, 2, None, minutes=4.5, limits=limits) is None
        assert self._buy(records, 2, None, minutes=4, limits=limits) is not None
        assert self._buy(records, 3, "bob", minutes=0.5, limits=limits) is None

    def test_billed_minutes_replace_the_expected_ones(self, records: Records) -> None:
        limits = SpendingLimits(minutes_per_day=10)
        assert self._buy(records, 1, "ann", minutes=10, limits=limits) is not None
        records.commit(records.row(), Settle(1, AttemptState.COMPLETED, NOON, "job1", minutes=2.5))
        load = records.observations.submission_load(NOON, per_owner=1, at_most=1)
        assert (load.submitted, load.minutes) == ({"ann": 1}, 2.5)
        assert self._buy(records, 2, "ann", minutes=7.5, limits=limits) is not None

    def test_the_queue_is_longest_waiting_first_and_holds_no_more_per_owner_than_may_run(
        self, records: Records
    ) -> None:
        records.create(OTHER)
        for seconds, video_id in ((1, VIDEO), (0, OTHER)):
            before = records.row(video_id)
            waits = replace(
                before.observed,
                phase=Phase.UPLOADED,
                reason=Reason.WAITING_FOR_CAPACITY,
                phase_since=NOON + timedelta(seconds=seconds),
            )
            assert records.observations.commit(before, waits, cause=Cause.POLL) is not None

        def queue(per_owner: int, at_most: int) -> list[str]:
            load = records.observations.submission_load(NOON, per_owner=per_owner, at_most=at_most)
            return [waiting.video_id for waiting in load.waiting]

        assert queue(per_owner=9, at_most=9) == [OTHER, VIDEO]
        assert queue(per_owner=1, at_most=9) == [OTHER]
        assert queue(per_owner=9, at_most=1) == [OTHER]

    def _buy(
        self,
        records: Records,
        number: int,
        owner: str | None,
        *,
        limits: SpendingLimits,
        minutes: float = 0,
        at: datetime = NOON,
    ) -> VideoRow | None:
        return records.commit(records.row(), Intend(number, 1, at, owner, minutes, limits), f"intent {number}")
