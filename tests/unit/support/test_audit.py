"""The audited rows in memory keep the contract of those in Postgres."""

from dataclasses import replace

import pytest

from domain.records import VideoRow
from domain.video import Origin, Phase
from tests.support.builders.rows import NOON, a_desired_state, an_observation
from tests.support.contracts.audit_contract import VIDEO, AuditContract, Audited
from tests.support.fakes.audit import FakeAuditedRows
from tests.support.fakes.records import FakeRecords


class TestFakeAuditedRows(AuditContract):
    @pytest.fixture
    def audited(self) -> Audited:
        records = FakeRecords(lambda: NOON)
        rows = FakeAuditedRows(records, lambda: NOON)

        def create(video_id: str) -> VideoRow:
            observed = replace(an_observation(Phase.UPLOADING), deadline_at=NOON)
            return records.create(a_desired_state(video_id=video_id), observed)

        def claim(video_id: str, attempt: int, job_id: str) -> None:
            records.record(video_id=video_id, attempt=attempt, job_id=job_id)

        def change(video_id: str, *, retired: bool | None = None, origin: str = "api", **desired: object) -> None:
            row = records.rows[video_id]
            changed = replace(row.desired, origin=Origin(origin), **desired)  # type: ignore[arg-type]
            records.rows[video_id] = replace(row, desired=changed, retired=row.retired if retired is None else retired)

        create(VIDEO)
        return Audited(rows, records, create, claim, change, lambda video_id: rows.heals.get(video_id, 0))
