"""The records in memory keep the contract of the real ones."""

from dataclasses import replace

import pytest

from crds.videoupload import Phase
from desired.rows import VideoRow
from tests.contracts.records_contract import VIDEO, Records, RecordsContract
from tests.fakes.records import FakeRecords
from tests.unit.crds.builders import NOON, a_wish, an_observation


class TestFakeRecords(RecordsContract):
    @pytest.fixture
    def records(self) -> Records:
        fake = FakeRecords(lambda: NOON)

        def create(video_id: str) -> VideoRow:
            observed = replace(an_observation(Phase.UPLOADING), deadline_at=NOON)
            return fake.create(a_wish(video_id=video_id), observed)

        def claim(video_id: str, attempt: int, job_id: str) -> None:
            fake.record(video_id=video_id, attempt=attempt, job_id=job_id)

        create(VIDEO)
        return Records(fake, fake, fake, create, fake.confirm, claim, fake.history)
