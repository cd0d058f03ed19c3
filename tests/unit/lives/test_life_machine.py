"""Random lives: people, faults and kills in any order, in simulated time; the invariants hold all along.

Numbers beside what is asserted are those of docs/invariants.md.
"""

import os
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.errors import RefusedError, UnavailableError
from domain.object_keys import video_prefix
from domain.objects import VerifiedOutputs
from domain.stable_playlist import stable_playlist
from domain.video import AT_REST, PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, Phase, Visibility
from tests.support.fakes.transcoder import Answer, JobEnd, Script
from tests.support.world.auditor import Auditor
from tests.support.world.endings import HASTY
from tests.support.world.kill_switch import KilledError
from tests.support.world.operator import Process, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

UPSTREAM_ERROR = st.sampled_from([None, UnavailableError("away"), RefusedError("refusing")])


class AnyLife(RuleBasedStateMachine):
    """One video, everyone who can change it, and everything that can go wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.world = InMemoryWorld(timing=HASTY)
        self.asked_for = 0
        self.tokens = 0
        self.seen_revision = 0

    @initialize(
        answers=st.lists(st.sampled_from(Answer), max_size=6), job_ends=st.lists(st.sampled_from(JobEnd), max_size=6)
    )
    def be_born(self, answers: list[Answer], job_ends: list[JobEnd]) -> None:
        self.world = InMemoryWorld(Script(answers, job_ends), HASTY)
        self.world.create()
        self.process = Process(self.world)
        self.process.begin()

    def is_there(self) -> bool:
        return VIDEO_ID in self.world.records.rows

    # What the operator does.

    @rule(passes=st.integers(1, 8), delivers_claims=st.booleans())
    def work(self, passes: int, delivers_claims: bool) -> None:
        self.process._delivers_claims = delivers_claims
        for _ in range(passes):
            if self.process.is_idle():
                break
            self.step()

    @rule(gap=st.integers(1, 12))
    def die_soon(self, gap: int) -> None:
        self.world.kill_switch.arm(gap)
        self.work(passes=4, delivers_claims=True)
        self.world.kill_switch.gaps = []

    @rule()
    def restart(self) -> None:
        self.process = Process(self.world)
        self.process.begin()

    @rule(seconds=st.sampled_from([1.0, 20.0, 70.0, 1000.0, 4000.0, 90_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    def step(self) -> None:
        try:
            self.process.step()
        except KilledError:
            self.restart()

    # What people do.

    @precondition(is_there)
    @rule(body=st.sampled_from([None, b"this is a text", b""]))
    def send_file(self, body: bytes | None) -> None:
        # A signed URL lasts until the file is verified.
        if self.world.row.observed.phase is Phase.UPLOADING:
            self.world.send_file(body)

    @precondition(is_there)
    @rule()
    def confirm(self) -> None:
        self.world.records.confirm(VIDEO_ID)

    @precondition(is_there)
    @rule()
    def retry(self) -> None:
        before = self.world.row.desired.retries
        self.world.records.retry(VIDEO_ID)
        self.asked_for += self.world.row.desired.retries - before

    @precondition(lambda self: VIDEO_ID in self.world.resources.by_name)
    @rule()
    def retry_by_annotation(self) -> None:
        self.tokens += 1
        self.asked_for += 1
        self.world.resources.annotate(VIDEO_ID, RETRY_REQUESTED_ANNOTATION, f"request {self.tokens}")

    @precondition(lambda self: VIDEO_ID in self.world.resources.by_name)
    @rule(is_paused=st.booleans())
    def pause(self, is_paused: bool) -> None:
        self.world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, "true" if is_paused else None)

    @precondition(is_there)
    @rule()
    def ask_for_edition(self) -> None:
        self.asked_for += 1
        self.world.records.ask_for_edition(VIDEO_ID)

    @precondition(is_there)
    @rule()
    def delete(self) -> None:
        self.world.records.delete(VIDEO_ID)

    @precondition(is_there)
    @rule(visibility=st.sampled_from(Visibility))
    def change_visibility(self, visibility: Visibility) -> None:
        self.world.records.set_visibility(VIDEO_ID, visibility)

    @precondition(is_there)
    @rule()
    def restore(self) -> None:
        self.world.records.restore(VIDEO_ID)

    @rule()
    def delete_the_resource(self) -> None:
        self.world.resources.remove(VIDEO_ID)

    # What goes wrong.

    @rule(storage=UPSTREAM_ERROR, coconut=UPSTREAM_ERROR, kubernetes=UPSTREAM_ERROR)
    def upstreams_change(
        self,
        storage: UnavailableError | RefusedError | None,
        coconut: UnavailableError | RefusedError | None,
        kubernetes: UnavailableError | RefusedError | None,
    ) -> None:
        self.world.storage.error = storage
        self.world.transcoder.error = coconut
        self.world.resources.error = kubernetes

    # What holds all along.

    @invariant()
    def one_job_for_each_attempt_and_no_more_than_asked_for(self) -> None:  # 1
        orders = Counter(job.order.attempt for job in self.world.transcoder.jobs.values())
        assert all(count == 1 for count in orders.values())
        # In an outage a submission may be counted as lost although its job was started and has reported to no one.
        unheard = sum(job.is_unanswered for job in self.world.transcoder.jobs.values())
        assert len(orders) - unheard <= self.world.deps.policy.max_submissions * (1 + self.asked_for)

    @invariant()
    def what_is_ready_can_be_played(self) -> None:  # 4
        row = self.world.records.rows.get(VIDEO_ID)
        if row is None or not row.observed.is_playable or row.desired.deleted:
            return
        published = row.observed.published
        assert published is not None
        outputs, prefix = self.world.storage.processed, video_prefix(VIDEO_ID, is_private=row.observed.is_private)
        assert all(f"{prefix}{rendition.uri}" in outputs for rendition in published.renditions)

    @invariant()
    def observations_never_run_backwards(self) -> None:  # 5
        row = self.world.records.rows.get(VIDEO_ID)
        if row is not None:
            assert row.observed.revision >= self.seen_revision
            self.seen_revision = row.observed.revision

    def teardown(self) -> None:
        """End all outages and request nothing more: the upload comes to rest and stays there."""  # 2, 3, 6
        world = self.world
        world.storage.error = world.transcoder.error = world.resources.error = None
        world.kill_switch.gaps = []
        if VIDEO_ID in world.resources.by_name:
            world.resources.annotate(VIDEO_ID, PAUSED_ANNOTATION, None)
        settled(world)
        row = world.records.rows.get(VIDEO_ID)
        if row is None:
            assert not world.storage.raw
            assert not world.storage.processed
            return
        if row.desired.deleted:
            assert world.storage.read_playlist(VIDEO_ID) is None
            assert world.storage.read_playlist(VIDEO_ID, is_private=True) is None
            return
        is_private = row.desired.visibility is Visibility.PRIVATE
        if row.observed.attempt:
            assert row.observed.is_private is is_private
        assert not row.observed.is_relocating
        assert row.observed.phase in AT_REST
        assert not row.observed.is_paused
        if row.observed.phase is Phase.READY:
            published = row.observed.published
            assert published is not None
            assert world.storage.read_playlist(VIDEO_ID, is_private=is_private) == stable_playlist(published)
            assert world.storage.read_playlist(VIDEO_ID, is_private=not is_private) is None
            verdict = world.storage.verify_outputs(
                VIDEO_ID, published.folder, input_seconds=None, is_private=is_private
            )
            assert isinstance(verdict, VerifiedOutputs)
        jobs, revision = len(world.transcoder.jobs), row.observed.revision
        settled(world)
        assert (len(world.transcoder.jobs), world.row.observed.revision) == (jobs, revision)
        if is_private:
            # A job that was not waited for may have ended after its video was made private.
            Auditor(world).full()
            assert not world.storage.has_stream(VIDEO_ID, is_private=False)


TestAnyLife = AnyLife.TestCase
# The same lives at every check; EXAMPLES=5000 asks for that many others, by chance.
_EXAMPLES = int(os.environ.get("EXAMPLES", "0"))
TestAnyLife.settings = settings(
    max_examples=_EXAMPLES or 60,
    derandomize=not _EXAMPLES,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
