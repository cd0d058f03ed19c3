"""What counting has to remember between two commits of one upload, and the two neighbours it listens to.

It is lost with the process, and bounded: then something is not counted, and nothing else happens. What is counted of a
single commit needs no memory (facts.py).
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from controller.metrics.commits import CommitMetrics, metrics_of
from controller.metrics.registry import OperatorMetrics
from controller.ports import Observations, Transcoder
from database.stats import WorkingSetStats
from domain.jobs import Job, JobOrder, JobState
from domain.records import AttemptChange, Cause, VideoRow, WorkingRow
from domain.video import ObservedState, Phase

# A callback that comes later than this after the end of its job was no help.
CALLBACK_EXPECTED_SECONDS = 120
_MOST_REMEMBERED = 10_000


class WorkingSetQueries(Protocol):
    """What only metrics ask of Postgres. Raises UnavailableError."""

    def working_set(self, *, late: datetime) -> WorkingSetStats:
        """Count the working set."""
        ...

    def is_claimed(self, video_id: str, attempt: int) -> bool:
        """Tell whether any callback named a job for an attempt."""
        ...


@dataclass(frozen=True)
class _Awaited:
    """A job that was found finished by polling: by then a callback should have named it."""

    video_id: str
    attempt: int
    until: float


class MetricsRecorder:
    """Turns what happens into what is counted. Called from any thread; none of its calls fails."""

    def __init__(self, metrics: OperatorMetrics, *, monotonic: Callable[[], float], scale: float) -> None:
        self._metrics = metrics
        self._monotonic = monotonic
        self._expected_seconds = CALLBACK_EXPECTED_SECONDS * scale
        self._finished: OrderedDict[str, datetime | None] = OrderedDict()
        self._awaited: deque[_Awaited] = deque(maxlen=_MOST_REMEMBERED)

    def job_seen(self, job: Job) -> None:
        """Remember when a job ended."""
        if job.state is JobState.IN_PROGRESS:
            return
        self._finished[job.job_id] = job.finished_at
        while len(self._finished) > _MOST_REMEMBERED:
            self._finished.popitem(last=False)

    def committed(self, before: VideoRow, after: VideoRow, attempt: AttemptChange | None, cause: Cause) -> None:
        """Count a commit."""
        facts = metrics_of(before, after, attempt)
        self._metrics.committed(facts)
        if self._is_found_by_polling(facts, cause):
            until = self._monotonic() + self._expected_seconds
            self._awaited.append(_Awaited(after.desired.video_id, before.observed.attempt, until))
        if facts.ending is not None and after.observed.job_id is not None:
            finished_at = self._finished.pop(after.observed.job_id, None)
            if facts.ending.phase is Phase.READY and finished_at is not None:
                self._metrics.published((after.observed.phase_since - finished_at).total_seconds())

    def _is_found_by_polling(self, facts: CommitMetrics, cause: Cause) -> bool:
        return facts.settled_job is not None and facts.settled_job in self._finished and cause is not Cause.CLAIM

    def look(self, counting: WorkingSetQueries, *, now: datetime, overdue_after: timedelta) -> None:
        """Take a census, and count the callbacks that never came. Raises UnavailableError."""
        self._metrics.live.working_set = None  # rather no number than an old one
        self._metrics.live.working_set = counting.working_set(late=now - overdue_after)
        while self._awaited and self._awaited[0].until <= self._monotonic():
            awaited = self._awaited[0]
            if not counting.is_claimed(awaited.video_id, awaited.attempt):
                self._metrics.missed_callback()
            self._awaited.popleft()


class InstrumentedObservations:
    """Postgres, each commit told to the journal."""

    def __init__(self, observations: Observations, recorder: MetricsRecorder) -> None:
        self._observations = observations
        self._journal = recorder

    def get(self, video_id: str) -> VideoRow | None:
        """Return one row."""
        return self._observations.get(video_id)

    def commit(
        self, before: VideoRow, after: ObservedState, *, cause: Cause, attempt: AttemptChange | None = None
    ) -> VideoRow | None:
        """Replace an observation, and count what that tells."""
        row = self._observations.commit(before, after, cause=cause, attempt=attempt)
        if row is not None:
            self._journal.committed(before, row, attempt, cause)
        return row

    def running_jobs(self) -> int:
        """Return how many jobs run."""
        return self._observations.running_jobs()

    def working(self, *, after: str, at_most: int) -> list[WorkingRow]:
        """Return a page of the rows that should have a resource."""
        return self._observations.working(after=after, at_most=at_most)


class InstrumentedTranscoder:
    """Coconut, each finished job told to the journal."""

    def __init__(self, transcoder: Transcoder, recorder: MetricsRecorder) -> None:
        self._transcoder = transcoder
        self._journal = recorder

    def start(self, order: JobOrder) -> str:
        """Start a paid job."""
        return self._transcoder.start(order)

    def job(self, job_id: str) -> Job | None:
        """Return what is known of a job."""
        job = self._transcoder.job(job_id)
        if job is not None:
            self._journal.job_seen(job)
        return job

    def input_seconds(self, job_id: str) -> float | None:
        """Return the duration of a job's input."""
        return self._transcoder.input_seconds(job_id)
