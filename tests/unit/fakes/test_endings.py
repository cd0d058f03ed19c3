"""The records in memory end as the real ones do."""

from dataclasses import replace

import pytest

from crds.videoupload import Phase
from desired.rows import VideoRow
from tests.contracts.endings_contract import VIDEO, EndingsContract, Ends
from tests.fakes.records import FakeRecords
from tests.unit.crds.builders import NOON, a_wish, an_observation


class TestFakeEndings(EndingsContract):
    @pytest.fixture
    def ends(self) -> Ends:
        fake = FakeRecords(lambda: NOON)

        def create(video_id: str) -> VideoRow:
            observed = replace(an_observation(Phase.UPLOADING), deadline_at=NOON)
            return fake.create(a_wish(video_id=video_id), observed)

        def told(video_id: str) -> list[tuple[int, str]]:
            return [(edition, kind) for of, edition, kind in fake.notifications if of == video_id]

        create(VIDEO)
        return Ends(fake, fake, fake, create, fake.delete, fake.confirm, told, now=lambda: NOON)
