"""What `database.audit.AuditedRows` and `FakeAuditedRows` have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from database.audit import AuditedRows
from database.observations import Observations
from domain.audit_records import DoubledJob, OverdueRow, UncertainSubmission
from domain.failures import Failure, FailureCode
from domain.records import AttemptChange, AttemptState, Cause, Intend, Settle, VideoRow
from domain.video import Phase, Published, Reason, Rendition
from tests.support.builders.rows import NOON
from tests.support.fakes.audit import FakeAuditedRows
from tests.support.fakes.records import FakeRecords

VIDEO = "auditauditauditauditaudita"
OTHER = "zzzzzzauditauditauditaudit"
LATER = NOON + timedelta(hours=1)
MAX_HEALS = 3
STREAM = Published(1, 1, 12.0, (Rendition("1/hls/360p/index.m3u8", 800_000),), has_poster=True)
FAILURE = Failure(FailureCode.TRANSCODE_FAILED, "it broke", attempt=1)


@dataclass(frozen=True)
class Audited:
    """Rows under test, and writers beside them. ``change`` sets fields of the desired state, or `retired`."""

    rows: AuditedRows | FakeAuditedRows
    observations: Observations | FakeRecords
    create: Callable[[str], VideoRow]
    claim: Callable[[str, int, str], None]
    change: Callable[..., None]
    heals: Callable[[str], int]

    def row(self, video_id: str = VIDEO) -> VideoRow:
        """Return a row that is there."""
        row = self.observations.get(video_id)
        assert row is not None
        return row

    def observe(self, video_id: str = VIDEO, made: AttemptChange | None = None, **changes: Any) -> VideoRow:
        """Play the operator: commit an observation."""
        before = self.row(video_id)
        after = self.observations.commit(before, replace(before.observed, **changes), cause=Cause.POLL, attempt=made)
        assert after is not None
        return after

    def accept(self, job_id: str, number: int = 1, video_id: str = VIDEO) -> None:
        """Record a submission and its job."""
        self.observe(video_id, Intend(number, 1, NOON), attempt=number)
        self.observe(video_id, Settle(number, AttemptState.ACCEPTED, NOON, job_id))

    def publish(self, video_id: str = VIDEO) -> VideoRow:
        """Walk a row to `ready`."""
        self.accept(f"job-of-{video_id}", 1, video_id)
        done = Settle(1, AttemptState.COMPLETED, LATER)
        ready: dict[str, Any] = {"phase": Phase.READY, "reason": Reason.PUBLISHED, "deadline_at": None}
        return self.observe(video_id, done, published=STREAM, is_playable=True, **ready)


class AuditContract:
    """Subclasses give the fixture ``audited``: empty but for the row of VIDEO, which waits for its file."""

    def test_all_rows_come_in_pages(self, audited: Audited) -> None:
        audited.create(OTHER)
        first = audited.rows.all(after="", at_most=1)
        second = audited.rows.all(after=VIDEO, at_most=5)
        assert [found.row for found in first + second] == [audited.row(), audited.row(OTHER)]
        assert audited.rows.all(after=OTHER, at_most=1) == []

    def test_a_walk_can_end_at_a_given_row(self, audited: Audited) -> None:
        audited.create(OTHER)
        assert [found.row for found in audited.rows.all(after="", until=VIDEO, at_most=5)] == [audited.row()]

    def test_a_row_has_the_time_of_its_publication(self, audited: Audited) -> None:
        before = audited.rows.get(VIDEO)
        assert before is not None
        assert (before.heals, before.published_at) == (0, None)
        row = audited.publish()
        found = audited.rows.get(VIDEO)
        assert found is not None
        assert (found.row, found.published_at) == (row, LATER)
        assert audited.rows.get(OTHER) is None

    def test_the_working_set_is_the_videos_that_are_or_were_playable(self, audited: Audited) -> None:
        assert audited.rows.working(after="", at_most=5) == []
        for video_id in (VIDEO, audited.create(OTHER).desired.video_id):
            audited.publish(video_id)
        assert [found.row.desired.video_id for found in audited.rows.working(after="", at_most=5)] == [VIDEO, OTHER]
        assert [found.row.desired.video_id for found in audited.rows.working(after=VIDEO, at_most=5)] == [OTHER]
        audited.change(VIDEO, retired=True)
        audited.change(OTHER, deleted=True)
        audited.observe(OTHER, is_playable=False)
        assert [found.row.desired.video_id for found in audited.rows.working(after="", at_most=5)] == [OTHER]

    def test_existing_and_missing_rows_are_distinguished(self, audited: Audited) -> None:
        assert audited.rows.existing([VIDEO, OTHER]) == {VIDEO}
        assert audited.rows.existing([]) == set()

    def test_an_automatic_edition_is_counted(self, audited: Audited) -> None:
        audited.publish()
        audited.change(VIDEO, retired=True)
        before = audited.row()
        healed = audited.rows.heal(before, max_heals=MAX_HEALS)
        assert healed == audited.row()
        desired = replace(before.desired, edition=2, revision=before.desired.revision + 1)
        assert healed == replace(before, desired=desired, retired=False)
        assert audited.heals(VIDEO) == 1

    def test_automatic_editions_are_limited(self, audited: Audited) -> None:
        audited.publish()
        for number in range(MAX_HEALS):
            assert audited.rows.heal(audited.row(), max_heals=MAX_HEALS) is not None
            audited.observe(edition=number + 2)
        assert audited.rows.heal(audited.row(), max_heals=MAX_HEALS) is None
        assert audited.heals(VIDEO) == MAX_HEALS
        assert audited.row().desired.edition == 1 + MAX_HEALS

    def test_a_row_that_changed_meanwhile_gets_no_edition(self, audited: Audited) -> None:
        seen = audited.publish()
        newer = audited.observe(message="seen again")
        assert audited.rows.heal(seen, max_heals=MAX_HEALS) is None
        assert audited.rows.heal(newer, max_heals=MAX_HEALS) is not None
        assert audited.rows.heal(newer, max_heals=MAX_HEALS) is None, "its desired state has moved"
        assert audited.heals(VIDEO) == 1

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"origin": "kubernetes"}, id="an-import"),
            pytest.param({"deleted": True}, id="deleted"),
            pytest.param({"edition": 2}, id="another-edition-is-requested-already"),
        ],
    )
    def test_no_automatic_edition_is_requested_for(self, audited: Audited, change: dict[str, Any]) -> None:
        audited.publish()
        audited.change(VIDEO, **change)
        before = audited.row()
        assert audited.rows.heal(before, max_heals=MAX_HEALS) is None
        assert (audited.row(), audited.heals(VIDEO)) == (before, 0)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"is_paused": True}, id="held-by-a-person"),
            pytest.param({"phase": Phase.ERRORED, "failure": FAILURE}, id="failed"),
            pytest.param({"phase": Phase.PROCESSING, "deadline_at": NOON}, id="on-its-way"),
        ],
    )
    def test_nothing_is_bought_for_a_video_that_is(self, audited: Audited, change: dict[str, Any]) -> None:
        audited.publish()
        before = audited.observe(**change)
        assert audited.rows.heal(before, max_heals=MAX_HEALS) is None
        assert (audited.row(), audited.heals(VIDEO)) == (before, 0)

    def test_a_claim_for_another_job_than_the_accepted_one_is_a_doubled_job(self, audited: Audited) -> None:
        audited.accept("job1")
        audited.claim(VIDEO, 1, "job1")
        assert audited.rows.doubled([VIDEO], since=NOON) == []
        audited.claim(VIDEO, 1, "job2")
        assert audited.rows.doubled([VIDEO], since=NOON) == [DoubledJob(VIDEO, 1, "job2", "job1")]
        assert audited.rows.doubled([OTHER], since=NOON) == []

    def test_a_job_that_reports_after_its_attempt_was_abandoned_is_a_doubled_job(self, audited: Audited) -> None:
        audited.observe(VIDEO, Intend(1, 1, NOON))
        audited.observe(VIDEO, Settle(1, AttemptState.UNCERTAIN, NOON))
        audited.claim(VIDEO, 1, "job1")
        assert audited.rows.doubled([VIDEO], since=NOON) == [], "a pass asks for it"
        audited.observe(VIDEO, Settle(1, AttemptState.ABANDONED, NOON))
        assert audited.rows.doubled([VIDEO], since=NOON) == [DoubledJob(VIDEO, 1, "job1", None)]

    def test_a_claim_for_the_job_of_another_attempt_is_no_doubled_job(self, audited: Audited) -> None:
        audited.accept("job1", 1)
        audited.accept("job2", 2)
        audited.claim(VIDEO, 2, "job1")
        assert audited.rows.doubled([VIDEO], since=NOON) == []

    def test_uncertain_submissions_are_listed(self, audited: Audited) -> None:
        before = NOON + timedelta(minutes=10)
        assert audited.rows.uncertain(before=before, at_most=5) == []
        audited.observe(VIDEO, Intend(1, 1, NOON), phase=Phase.UPLOADED, attempt=1)
        intended = UncertainSubmission(VIDEO, 1, NOON)
        assert audited.rows.uncertain(before=NOON, at_most=5) == [], "it may be on its way"
        assert audited.rows.uncertain(before=before, at_most=5) == [intended]
        audited.observe(VIDEO, Settle(1, AttemptState.UNCERTAIN, NOON))
        assert audited.rows.uncertain(before=NOON, at_most=5) == [intended]
        audited.observe(VIDEO, Settle(1, AttemptState.ABANDONED, NOON))
        assert audited.rows.uncertain(before=before, at_most=5) == []

    def test_overdue_rows_are_listed_longest_first(self, audited: Audited) -> None:
        audited.create(OTHER)
        for video_id, deadline_at in ((VIDEO, NOON), (OTHER, NOON - timedelta(hours=1))):
            audited.observe(video_id, deadline_at=deadline_at)
        late = [
            OverdueRow(OTHER, Phase.UPLOADING, NOON - timedelta(hours=1)),
            OverdueRow(VIDEO, Phase.UPLOADING, NOON),
        ]
        assert audited.rows.overdue(before=LATER, at_most=5) == late
        assert audited.rows.overdue(before=LATER, at_most=1) == late[:1]
        assert audited.rows.overdue(before=NOON, at_most=5) == late[:1]
        audited.observe(OTHER, is_paused=True)
        audited.change(VIDEO, deleted=True)
        assert audited.rows.overdue(before=LATER, at_most=5) == []

    def test_a_quarantined_object_keeps_the_time_it_was_found(self, audited: Audited) -> None:
        keys = {f"processed/{OTHER}/{name}": size for name, size in (("a", 1), ("b", 0))}
        assert audited.rows.quarantine(keys) == 2
        found = audited.rows.quarantined(after="", at_most=5)
        assert {entry.object_key: entry.file_bytes for entry in found} == keys
        assert audited.rows.quarantine(keys | {f"processed/{OTHER}/c": 3}) == 1
        again = audited.rows.quarantined(after="", at_most=2)
        assert again == found
        assert [entry.file_bytes for entry in audited.rows.quarantined(after=again[-1].object_key, at_most=5)] == [3]

    def test_a_released_object_is_off_the_list(self, audited: Audited) -> None:
        audited.rows.quarantine({"uploads/a/x": 1, "uploads/b/x": 2})
        assert audited.rows.quarantined_among(["uploads/a/x", "uploads/c/x"]) == {"uploads/a/x"}
        assert audited.rows.release(["uploads/a/x", "uploads/c/x"]) == 1
        assert [entry.object_key for entry in audited.rows.quarantined(after="", at_most=5)] == ["uploads/b/x"]
