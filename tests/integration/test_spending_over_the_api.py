"""Whatever owners call over HTTP, in whatever order, no day buys more than its limits: the real API and Postgres.

The operator is the real one, in simulated time; storage, Coconut and Kubernetes are in memory. The same property
without Postgres is in tests/unit/lives/test_spending_machine.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import falcon.testing
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from controller.coconut.limiter import SubmissionLimiter
from database.adoption import Adoption
from database.attempts import Attempts
from database.captions import CaptionRows
from database.job_claims import Claims
from database.observations import Observations
from database.posters import PosterRows
from database.profiles import Profiles
from database.retention import Retention
from database.source_fetches import SourceFetches
from domain.policy import LifecyclePolicy
from domain.profiles import ProfileRendition, ProfileSpec, ordered
from domain.records import Cause, VideoRow
from domain.spending import SpendingLimits
from tests.integration.databases import clocked_database
from tests.support.api import A_VIDEO, Api
from tests.support.fakes.records import FakeRecords
from tests.support.fakes.transcoder import SEGMENTS, Answer, FakeTranscoder, JobEnd, Script
from tests.support.fakes.videos import SEGMENT_SECONDS, mp4
from tests.support.postgres import ClockedDatabase
from tests.support.world.clock import MORNING
from tests.support.world.operator import Process
from tests.support.world.world import QUEUE_MAX, WIDE, InMemoryWorld

OWNERS = ["ann", "bob"]
PER_DAY = 2
# Fewer than both owners and a rollout may submit.
MINUTES_PER_DAY = 2.0
STREAM_SECONDS = SEGMENTS * SEGMENT_SECONDS
# The fake makes two variants of each stream, whatever the profile says.
MINUTES_OF_A_JOB = 2 * STREAM_SECONDS / 60
WIDE_PROFILE = ProfileSpec(tuple(ProfileRendition(height, 900) for height in (240, 360, 480, 720, 1080, 2160)))

# As database/rollouts.py starts a video, without a plan.
ROLL_OUT = """
UPDATE videos SET edition = edition + 1, revision = revision + 1, retired = false, rollout_edition = edition + 1
WHERE video_id = %s AND NOT deleted AND phase = 'ready' AND is_playable AND edition <= observed_edition
RETURNING video_id, edition
"""


class Rows:
    """What a world in memory asks its records for, from Postgres."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, video_id: str) -> VideoRow | None:
        return self._api.queries.get(video_id)

    def record(self, *, video_id: str, attempt: int, job_id: str) -> None:
        Claims(self._api.postgres).record(video_id=video_id, attempt=attempt, job_id=job_id)


class ServedWorld(InMemoryWorld):
    """A world whose rows are in Postgres and are changed by the API."""

    def __init__(self, api: Api, database: ClockedDatabase) -> None:
        spending = SpendingLimits(
            submissions_per_owner=PER_DAY, running_per_owner=2, minutes_per_day=MINUTES_PER_DAY, duration_seconds=60
        )
        super().__init__(Script(), rules=LifecyclePolicy(spending=spending))
        self.api, self.storage, self.multipart = api, api.storage, api.multipart
        self.transcoder = FakeTranscoder(self.clock, self.storage, Script())
        self.records = cast("FakeRecords", Rows(api))
        observations = Observations(database)
        self.deps = replace(
            self.deps,
            observations=observations,
            attempts=Attempts(database),
            claims=Claims(database),
            retention=Retention(database),
            adoption=Adoption(database),
            captions=CaptionRows(database),
            posters=PosterRows(database),
            profiles=Profiles(database),
            fetch_rows=SourceFetches(database),
            **cast("dict[str, Any]", {"storage": self.storage, "parts": self.multipart}),
            transcoder=self.transcoder,
            limiter=SubmissionLimiter(
                replace(WIDE, spending=spending),
                monotonic=self.clock.monotonic,
                load=lambda: observations.submission_load(self.clock.now(), per_owner=2, at_most=QUEUE_MAX),
            ),
        )
        api.now = self.clock.now()

    def pass_time(self, seconds: float) -> None:
        """Let the clocks of the operator, the API and Postgres run."""
        super().pass_time(seconds)
        self.api.now = self.clock.now()


@pytest.fixture(scope="module")
def clocked(postgres_url: str) -> Iterator[ClockedDatabase]:
    with clocked_database(postgres_url) as database:
        yield database


class Callers(RuleBasedStateMachine):
    """Calls of two owners, while a library is rolled out, jobs end well or badly, and time passes."""

    database: ClockedDatabase

    def __init__(self) -> None:
        super().__init__()
        self.database.clear()
        api = Api(self.database)
        # Nothing but money is limited.
        policy = replace(api.deps.policy, uploads_per_hour=9_999, retranscodes_per_day=9_999, retries_per_day=9_999)
        self.client = api.rebuilt(policy=policy)
        self.world = ServedWorld(api, self.database)
        Profiles(self.database).replace([ordered("wide", WIDE_PROFILE)])
        self.process = Process(self.world)
        self.process.begin()
        self.videos: list[tuple[str, str]] = []
        # Which editions were rolled out, and since when they are their owner's because of a retry.
        self.rolled_out: dict[tuple[str, int], float] = {}

    def call(self, owner: str, method: str, path: str, **sent: Any) -> falcon.testing.Result:
        """Make a call, and do what its NOTIFY does."""
        headers = {"Authorization": self.world.api.bearer(owner)} | sent.pop("headers", {})
        result = self.client.simulate_request(method, f"/api/v1/videos{path}", headers=headers, **sent)
        assert result.status_code < 500, result.text
        for video_id, _ in self.videos:
            self.process.queue.add(video_id, Cause.CLIENT)
        return result

    @initialize()
    def begin(self) -> None:
        for owner in OWNERS:
            self.create(owner, "hls-1080p", is_private=False, is_fetched=False, key=None)

    @rule(
        owner=st.sampled_from(OWNERS),
        profile=st.sampled_from(["hls-1080p", "wide"]),
        is_private=st.booleans(),
        is_fetched=st.booleans(),
        key=st.sampled_from([None, "k1", "k2"]),
    )
    def create(self, owner: str, profile: str, is_private: bool, is_fetched: bool, key: str | None) -> None:
        body = {**A_VIDEO, "profile": profile, "visibility": "private" if is_private else "public"}
        self.world.sources.body = mp4(media_bytes=9, seconds=STREAM_SECONDS)
        if is_fetched:
            body["source_url"] = "https://origin.test/clip.mp4"
        made = self.call(owner, "POST", "", json=body, headers={"Idempotency-Key": key} if key else {})
        if made.status_code != 201:
            return
        video_id = made.json["video_id"]
        if (video_id, owner) not in self.videos:
            self.videos.append((video_id, owner))
        if not is_fetched:
            self._send(video_id, 9)
            self.call(owner, "POST", f"/{video_id}/upload_complete")

    @rule(number=st.integers(0, 99), media_bytes=st.integers(1, 200))
    def send_another_file(self, number: int, media_bytes: int) -> None:
        video_id, owner = self.videos[number % len(self.videos)]
        self._send(video_id, media_bytes)
        self.call(owner, "POST", f"/{video_id}/upload_complete")

    def _send(self, video_id: str, media_bytes: int) -> None:
        self.world.api.store(video_id, mp4(media_bytes=media_bytes, seconds=STREAM_SECONDS))

    @rule(number=st.integers(0, 99), call=st.sampled_from(["retry", "retranscode", "restore", "upload_url"]))
    def post(self, number: int, call: str) -> None:
        video_id, owner = self.videos[number % len(self.videos)]
        edition = self.world.api.row(video_id).observed.edition
        is_taken = self.call(owner, "POST", f"/{video_id}/{call}").status_code == 202
        if is_taken and call == "retry" and (video_id, edition) in self.rolled_out:
            self.rolled_out[video_id, edition] = self.world.clock.monotonic()

    @rule(number=st.integers(0, 99))
    def delete(self, number: int) -> None:
        video_id, owner = self.videos[number % len(self.videos)]
        self.call(owner, "DELETE", f"/{video_id}")

    @rule(number=st.integers(0, 99), visibility=st.sampled_from(["private", "public"]))
    def change(self, number: int, visibility: str) -> None:
        video_id, owner = self.videos[number % len(self.videos)]
        self.call(owner, "PATCH", f"/{video_id}", json={"visibility": visibility, "title": "Dogs"})

    @rule(number=st.integers(0, 99), text=st.sampled_from(["Hello", "Bye", None]))
    def change_captions(self, number: int, text: str | None) -> None:
        video_id, owner = self.videos[number % len(self.videos)]
        if text is None:
            self.call(owner, "DELETE", f"/{video_id}/captions/en")
        else:
            body = f"WEBVTT\n\n00:00.000 --> 00:01.000\n{text}\n"
            self.call(owner, "PUT", f"/{video_id}/captions/en", body=body, headers={"Content-Type": "text/vtt"})

    @rule(number=st.integers(0, 99))
    def roll_out(self, number: int) -> None:
        video_id, _ = self.videos[number % len(self.videos)]
        for row in self.world.api.sql(ROLL_OUT, video_id):
            self.rolled_out[row["video_id"], row["edition"]] = float("inf")
            self.process.queue.add(video_id, Cause.POLL)

    @rule(answer=st.sampled_from(Answer), job_end=st.sampled_from(sorted(set(JobEnd) - {JobEnd.NEVER_ENDS}, key=str)))
    def expect(self, answer: Answer, job_end: JobEnd) -> None:
        self.world.transcoder.script.answers.append(answer)
        self.world.transcoder.script.job_ends.append(job_end)

    @rule(passes=st.integers(5, 30))
    def work(self, passes: int) -> None:
        for _ in range(passes):
            if not self.process.is_idle():
                self.process.step()

    @rule(hours=st.sampled_from([0.02, 0.1, 1.0, 15.0]))
    def wait(self, hours: float) -> None:
        self.world.pass_time(hours * 3600)
        self.process._deliver(self.world.clock.monotonic())

    @invariant()
    def no_day_buys_more_than_the_limits(self) -> None:
        owners = dict(self.videos)
        found = self.world.api.sql("SELECT video_id, attempt, edition FROM attempts")
        editions = {(row["video_id"], row["attempt"]): row["edition"] for row in found}
        bought: Counter[tuple[object, str]] = Counter()
        minutes: defaultdict[object, float] = defaultdict(float)
        for job in self.world.transcoder.jobs.values():
            video_id, attempt = job.order.video_id, job.order.attempt
            day = (MORNING + timedelta(seconds=job.started_at)).date()
            minutes[day] += MINUTES_OF_A_JOB
            is_owners_from = self.rolled_out.get((video_id, editions[video_id, attempt]), 0.0)
            if job.started_at >= is_owners_from:
                bought[day, owners[video_id]] += 1
        assert max(bought.values(), default=0) <= PER_DAY, bought
        assert max(minutes.values(), default=0) <= MINUTES_PER_DAY + 1e-6, minutes


def test_no_calls_of_owners_and_no_rollout_buy_more_than_the_limits_of_a_day(clocked: ClockedDatabase) -> None:
    class Bound(Callers):
        """The machine on this database."""

        database = clocked

    run_state_machine_as_test(
        Bound,
        settings=settings(
            deadline=None,
            max_examples=12,
            stateful_step_count=25,
            # Each step takes hundreds of statements: to find a shorter example would take minutes.
            phases=[Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
