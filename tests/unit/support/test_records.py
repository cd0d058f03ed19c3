"""The records in memory keep the contract of the real ones."""

from dataclasses import replace

import pytest

from domain.records import VideoRow
from domain.video import Phase
from tests.support.builders.rows import NOON, a_desired_state, an_observation
from tests.support.contracts.records_contract import VIDEO, Records, RecordsContract
from tests.support.fakes.records import FakeRecords


class TestFakeRecords(RecordsContract):
    @pytest.fixture
    def records(self) -> Records:
        fake = FakeRecords(lambda: NOON)

        def create(video_id: str) -> VideoRow:
            observed = replace(an_observation(Phase.UPLOADING), deadline_at=NOON)
            return fake.create(a_desired_state(video_id=video_id), observed)

        def claim(video_id: str, attempt: int, job_id: str) -> None:
            fake.record(video_id=video_id, attempt=attempt, job_id=job_id)

        create(VIDEO)
        return Records(fake, fake, fake, create, fake.confirm, claim, fake.history)
