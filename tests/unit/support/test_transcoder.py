"""The fake keeps the adapter's contract."""

import pytest

from domain.errors import UnavailableError
from domain.jobs import JobOrder
from tests.support.contracts.transcoder_contract import Account, TranscoderContract
from tests.support.fakes.storage import FakeStorage
from tests.support.fakes.transcoder import SEGMENTS, Answer, FakeTranscoder, JobEnd
from tests.support.fakes.videos import SEGMENT_SECONDS
from tests.support.world.clock import FakeClock

ORDER = JobOrder("transcodertranscodertransc", 1, "1-word", "https://s3.test/original", "https://api.test/hook")


class TestFakeTranscoder(TranscoderContract):
    @pytest.fixture
    def account(self) -> Account:
        clock = FakeClock()
        storage = FakeStorage(clock.now)
        fake, away = FakeTranscoder(clock, storage), FakeTranscoder(clock, storage)
        away.error = UnavailableError("no answer")

        def prepare(answer: Answer, job_end: JobEnd) -> JobOrder:
            fake.script.answers, fake.script.job_ends = [answer], [job_end, job_end]
            return ORDER

        return Account(
            transcoder=fake,
            away=away,
            storage=storage,
            source_seconds=SEGMENTS * SEGMENT_SECONDS,
            prepare=prepare,
            jobs=lambda: list(fake.jobs),
            pass_time=lambda: clock.advance(fake.script.job_seconds),
        )
