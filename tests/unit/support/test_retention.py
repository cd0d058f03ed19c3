"""The records in memory end rows as the real ones do."""

from dataclasses import replace

import pytest

from domain.records import VideoRow
from domain.video import Phase
from tests.support.builders.rows import NOON, a_desired_state, an_observation
from tests.support.contracts.retention_contract import VIDEO, Ends, RetentionContract
from tests.support.fakes.records import FakeRecords


class TestFakeEndings(RetentionContract):
    @pytest.fixture
    def ends(self) -> Ends:
        fake = FakeRecords(lambda: NOON)

        def create(video_id: str) -> VideoRow:
            observed = replace(an_observation(Phase.UPLOADING), deadline_at=NOON)
            return fake.create(a_desired_state(video_id=video_id), observed)

        def notified(video_id: str) -> list[tuple[int, str]]:
            return [(edition, kind) for of, edition, kind in fake.notifications if of == video_id]

        create(VIDEO)
        return Ends(fake, fake, fake, create, fake.delete, fake.restore, fake.confirm, notified, now=lambda: NOON)
