"""The records in memory learn as the real ones do."""

from dataclasses import replace

import pytest

from crds.videoupload import Phase
from desired.rows import VideoRow
from tests.contracts.learning_contract import VIDEO, LearningContract, Taught
from tests.fakes.records import FakeRecords
from tests.unit.crds.builders import NOON, a_wish, an_observation


class TestFakeLearning(LearningContract):
    @pytest.fixture
    def taught(self) -> Taught:
        fake = FakeRecords(lambda: NOON)

        def create(video_id: str) -> VideoRow:
            observed = replace(an_observation(Phase.UPLOADING), deadline_at=NOON)
            return fake.create(a_wish(video_id=video_id), observed)

        create(VIDEO)
        return Taught(fake, fake, fake, fake, create, fake.history, lambda: fake.notifications)
