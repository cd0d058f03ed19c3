"""Coconut in memory: jobs that run with the clock, write their outputs, and send callbacks."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.jobs import Job, JobOrder, JobState, UncertainError
from domain.profiles import ProfileSpec
from tests.support.fakes.storage import FakeStorage
from tests.support.fakes.videos import SEGMENT_SECONDS, media, stream
from tests.support.world.clock import MORNING, FakeClock

SEGMENTS = 2


class Answer(Enum):
    """What becomes of one submission."""

    ACCEPTED = "accepted"
    BUSY = "certainly no job, ask later"
    REFUSED = "certainly no job, ever"
    LOST_BEFORE = "no answer, and no job"
    LOST_AFTER = "no answer, but a job"


class JobEnd(Enum):
    """How a job ends."""

    COMPLETES = "with all outputs"
    BREAKS = "failed, perhaps by chance"
    CANNOT_DECODE = "failed for good"
    LEAVES_HOLES = "completed, with outputs missing"
    TOO_LONG = "completed without a stream, because the video is too long"
    UNEVEN = "completed, with variants of different lengths"
    NEVER_ENDS = "never"


_COMPLETED = frozenset({JobEnd.COMPLETES, JobEnd.LEAVES_HOLES, JobEnd.UNEVEN})


@dataclass
class FakeJob:
    """One job.

    ``source``: what lay at its source URL when it was accepted. ``ends_at``: monotonic seconds. ``is_unanswered``: the
    submission was taken, but its answer was lost.
    """

    job_id: str
    order: JobOrder
    job_end: JobEnd
    source: bytes | None
    started_at: float
    ends_at: float
    is_over: bool = False
    is_unanswered: bool = False


@dataclass(frozen=True)
class DueCallback:
    """A callback that Coconut wants to deliver."""

    at: float
    video_id: str
    attempt: int
    job_id: str


@dataclass
class Script:
    """What happens to the submissions to come, in order; then all goes well.

    ``picture_seconds``: what the provider says of the input's picture track. Until ``fails_until``, by the monotonic
    clock, every submission ends as ``fails_with``.
    """

    answers: list[Answer] = field(default_factory=list)
    job_ends: list[JobEnd] = field(default_factory=list)
    job_seconds: float = 60.0
    picture_seconds: float | None = SEGMENTS * SEGMENT_SECONDS
    fails_until: float = 0.0
    fails_with: Answer = Answer.LOST_BEFORE


def _extras(profile: ProfileSpec) -> dict[str, bytes]:
    board = {"storyboard/storyboard.vtt": b"WEBVTT", "storyboard/sheet_001.jpg": b"\xff\xd8\xff"}
    return (board if profile.storyboard else {}) | {f"mp4/{height}.mp4": b"mp4" for height in profile.mp4_heights}


class FakeTranscoder:
    """Stands in for `controller.coconut.client.Coconut`. ``error``, while set, is what every call raises."""

    def __init__(self, clock: FakeClock, storage: FakeStorage, script: Script | None = None) -> None:
        self.script = script or Script()
        self.jobs: dict[str, FakeJob] = {}
        self.reports: list[DueCallback] = []
        self.orders: list[JobOrder] = []
        self.error: UpstreamError | None = None
        self._clock = clock
        self._storage = storage

    def start(self, order: JobOrder) -> str:
        self.orders.append(order)
        match self._answer():
            case Answer.BUSY:
                raise UnavailableError("POST /jobs at Coconut: HTTP 429")
            case Answer.REFUSED:
                raise RefusedError("POST /jobs at Coconut: HTTP 400 input_not_valid")
            case Answer.LOST_BEFORE:
                raise UncertainError("POST /jobs at Coconut: HTTP 500")
            case Answer.LOST_AFTER:
                self.jobs[self._accept(order)].is_unanswered = True
                raise UncertainError("POST /jobs at Coconut: no answer")
            case Answer.ACCEPTED:
                return self._accept(order)

    def probe(self) -> None:
        if self.error is not None:
            raise self.error

    def job(self, job_id: str) -> Job | None:
        if self.error is not None:
            raise self.error
        self.run()
        job = self.jobs.get(job_id)
        return None if job is None else self._shown(job)

    def picture_seconds(self, job_id: str) -> float | None:
        if self.error is not None:
            raise self.error
        return self.script.picture_seconds if job_id in self.jobs else None

    def run(self) -> None:
        """End the jobs whose time has come, with what they write and report."""
        for job in self.jobs.values():
            if job.is_over or self._clock.monotonic() < job.ends_at or job.job_end is JobEnd.NEVER_ENDS:
                continue
            job.is_over = True
            if job.job_end in _COMPLETED:
                files = stream(segments=SEGMENTS) | _extras(job.order.profile)
                if job.job_end is JobEnd.LEAVES_HOLES:
                    del files["hls/720p/001.ts"]
                if job.job_end is JobEnd.UNEVEN:
                    files["hls/720p/index.m3u8"] = media(["000.ts"]).encode()
                order = job.order
                self._storage.put_outputs(order.video_id, order.folder, files, is_private=order.is_private)

    def _answer(self) -> Answer:
        if self._clock.monotonic() < self.script.fails_until:
            return self.script.fails_with
        return self.script.answers.pop(0) if self.script.answers else Answer.ACCEPTED

    def _accept(self, order: JobOrder) -> str:
        now = self._clock.monotonic()
        job_end = self.script.job_ends.pop(0) if self.script.job_ends else JobEnd.COMPLETES
        job = FakeJob(f"job{len(self.jobs) + 1}", order, job_end, self._read(order), now, now + self.script.job_seconds)
        self.jobs[job.job_id] = job
        for at in (now + 1, job.ends_at):
            self.reports.append(DueCallback(at, order.video_id, order.attempt, job.job_id))
        return job.job_id

    def _read(self, order: JobOrder) -> bytes | None:
        raw = self._storage.raw.items()
        return next((stored.body for key, stored in raw if f"/{key}?" in order.source_url), None)

    def _shown(self, job: FakeJob) -> Job:
        if not job.is_over:
            share = (self._clock.monotonic() - job.started_at) / (job.ends_at - job.started_at)
            return Job(job.job_id, JobState.IN_PROGRESS, min(99, int(share * 100)))
        # By the provider's own clock, which tests do not set.
        finished_at = MORNING + timedelta(seconds=job.ends_at)
        if job.job_end is JobEnd.TOO_LONG:
            return Job(job.job_id, JobState.TOO_LONG, 100, finished_at=finished_at)
        if job.job_end in _COMPLETED:
            return Job(job.job_id, JobState.COMPLETED, 100, finished_at=finished_at)
        words = "hls: unsupported codec" if job.job_end is JobEnd.CANNOT_DECODE else "hls: an error of ours"
        return Job(job.job_id, JobState.FAILED, 100, words, job.job_end is JobEnd.CANNOT_DECODE, words, finished_at)
