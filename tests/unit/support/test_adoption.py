"""The records in memory restore rows as the real ones do."""

from dataclasses import replace

import pytest

from domain.records import VideoRow
from domain.video import Phase
from tests.support.builders.rows import NOON, a_desired_state, an_observation
from tests.support.contracts.adoption_contract import VIDEO, AdoptionContract, AdoptionRecords
from tests.support.fakes.records import FakeRecords


class TestFakeLearning(AdoptionContract):
    @pytest.fixture
    def records(self) -> AdoptionRecords:
        fake = FakeRecords(lambda: NOON)

        def create(video_id: str) -> VideoRow:
            observed = replace(an_observation(Phase.UPLOADING), deadline_at=NOON)
            return fake.create(a_desired_state(video_id=video_id), observed)

        create(VIDEO)
        return AdoptionRecords(fake, fake, fake, fake, create, fake.history, lambda: fake.notifications)
