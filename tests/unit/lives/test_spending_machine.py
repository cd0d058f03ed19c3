"""Whatever one owner calls, in whatever order, no day buys more jobs than the limit."""

from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.policy import LifecyclePolicy
from domain.records import Cause
from domain.spending import SpendingLimits
from domain.video import is_retranscodable
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.fakes.videos import mp4
from tests.support.world.clock import MORNING
from tests.support.world.operator import Process
from tests.support.world.world import InMemoryWorld

PER_DAY = 2
VIDEOS = [f"video-{number}" for number in range(4)]


class OneOwner(RuleBasedStateMachine):
    """Calls of one owner on a few videos, while jobs end well or badly and time passes."""

    def __init__(self) -> None:
        super().__init__()
        limits = SpendingLimits(submissions_per_owner=PER_DAY, running_per_owner=2)
        self.world = InMemoryWorld(Script(), rules=LifecyclePolicy(spending=limits))
        self.process = Process(self.world)
        self.process.begin()

    def called(self, video_id: str) -> None:
        """Do what the notification of a call does."""
        self.process.queue.add(video_id, Cause.CLIENT)

    @initialize(count=st.integers(0, len(VIDEOS)))
    def begin(self, count: int) -> None:
        for video_id in VIDEOS[:count]:
            self.create(video_id)
            self.send_or_swap_a_file(video_id, media_bytes=9, is_video=True)

    @rule(video_id=st.sampled_from(VIDEOS))
    def create(self, video_id: str) -> None:
        if video_id not in self.world.records.rows:
            self.world.create_as(video_id)
            self.called(video_id)

    @rule(video_id=st.sampled_from(VIDEOS), media_bytes=st.integers(1, 200), is_video=st.booleans())
    def send_or_swap_a_file(self, video_id: str, media_bytes: int, is_video: bool) -> None:
        row = self.world.records.rows.get(video_id)
        if row is not None:
            body = mp4(media_bytes=media_bytes) if is_video else b"no video" * 9
            self.world.storage.put_raw(row.desired.storage_key, body)

    @rule(video_id=st.sampled_from(VIDEOS), call=st.sampled_from(["confirm", "retry", "delete", "restore"]))
    def call(self, video_id: str, call: str) -> None:
        if video_id in self.world.records.rows:
            getattr(self.world.records, call)(video_id)
            self.called(video_id)

    @rule(video_id=st.sampled_from(VIDEOS))
    def retranscode(self, video_id: str) -> None:
        row = self.world.records.rows.get(video_id)
        if row is not None and is_retranscodable(row.observed) and row.desired.edition == row.observed.edition:
            self.world.records.ask_for_edition(video_id)
            self.called(video_id)

    @rule(answer=st.sampled_from(Answer), job_end=st.sampled_from(sorted(set(JobEnd) - {JobEnd.NEVER_ENDS}, key=str)))
    def expect(self, answer: Answer, job_end: JobEnd) -> None:
        self.world.transcoder.script.answers.append(answer)
        self.world.transcoder.script.job_ends.append(job_end)

    @rule(passes=st.integers(5, 40))
    def work(self, passes: int) -> None:
        for _ in range(passes):
            if not self.process.is_idle():
                self.process.step()

    @rule(hours=st.sampled_from([0.02, 0.1, 1.0, 15.0]))
    def wait(self, hours: float) -> None:
        self.world.pass_time(hours * 3600)
        self.process._deliver(self.world.clock.monotonic())

    @invariant()
    def no_day_buys_more_than_the_limit(self) -> None:
        jobs = self.world.transcoder.jobs.values()
        days = Counter((MORNING + timedelta(seconds=job.started_at)).date() for job in jobs)
        assert max(days.values(), default=0) <= PER_DAY, days


OneOwner.TestCase.settings = settings(deadline=None, max_examples=25, stateful_step_count=25)
TestOneOwner = OneOwner.TestCase
