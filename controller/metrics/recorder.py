"""Metrics that need memory between two commits of one upload.

The memory is bounded and lost with the process; the only consequence is that something is not counted. What to count
for a single commit needs no memory (commits.py).
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.metrics.commits import CommitMetrics, metrics_of
from controller.metrics.registry import OperatorMetrics
from database.stats import StatsQueries
from domain.jobs import Job, JobState
from domain.records import AttemptChange, Cause, VideoRow
from domain.video import Phase
from runtime.tracing import UNTRACED, Tracing

# A callback that arrives later than this after the end of its job counts as missing.
CALLBACK_EXPECTED_SECONDS = 120
_REMEMBERED_MAX = 10_000


@dataclass(frozen=True)
class _Awaited:
    """A job that polling found finished. A callback should name it before ``until``, by the monotonic clock."""

    video_id: str
    attempt: int
    until: float


class MetricsRecorder:
    """Translates events into metrics. Thread-safe; recording an event never raises."""

    def __init__(
        self,
        metrics: OperatorMetrics,
        *,
        monotonic: Callable[[], float],
        scale: float,
        tracing: Tracing = UNTRACED,
    ) -> None:
        self._metrics = metrics
        self._tracing = tracing
        self._monotonic = monotonic
        self._expected_seconds = CALLBACK_EXPECTED_SECONDS * scale
        self._finished: OrderedDict[str, datetime | None] = OrderedDict()
        self._awaited: deque[_Awaited] = deque(maxlen=_REMEMBERED_MAX)

    def job_seen(self, job: Job) -> None:
        """Remember when a finished job ended."""
        if job.state is JobState.IN_PROGRESS:
            return
        self._finished[job.job_id] = job.finished_at
        while len(self._finished) > _REMEMBERED_MAX:
            self._finished.popitem(last=False)

    def committed(self, before: VideoRow, after: VideoRow, attempt: AttemptChange | None, cause: Cause) -> None:
        """Count a commit."""
        commit = metrics_of(before, after, attempt)
        self._metrics.committed(commit, exemplar=after.desired.video_id)
        if commit.stay is not None:
            self._trace_phase(before, after)
        if self._is_found_by_polling(commit, cause):
            until = self._monotonic() + self._expected_seconds
            self._awaited.append(_Awaited(after.desired.video_id, before.observed.attempt, until))
        if commit.ending is not None and after.observed.job_id is not None:
            finished_at = self._finished.pop(after.observed.job_id, None)
            if commit.ending.phase is Phase.READY and finished_at is not None:
                self._metrics.published((after.observed.phase_since - finished_at).total_seconds())

    def _trace_phase(self, before: VideoRow, after: VideoRow) -> None:
        """Trace the phase that the video left, so that a trace shows what it waited for between its passes."""
        was, now = before.observed, after.observed
        failure = {"failure": str(now.failure.code)} if now.phase is Phase.ERRORED and now.failure else {}
        self._tracing.record(
            str(was.phase),
            after.desired.video_id,
            was.phase_since,
            now.phase_since,
            edition=now.edition,
            next_phase=str(now.phase),
            **failure,
        )

    def _is_found_by_polling(self, commit: CommitMetrics, cause: Cause) -> bool:
        return commit.settled_job is not None and commit.settled_job in self._finished and cause is not Cause.CLAIM

    def collect_stats(self, queries: StatsQueries, *, now: datetime, overdue_after: timedelta) -> None:
        """Refresh the working set's statistics and count missing callbacks. Raises UnavailableError."""
        self._metrics.state.working_set = None  # export no number rather than an outdated one
        self._metrics.state.working_set = queries.working_set(late=now - overdue_after)
        while self._awaited and self._awaited[0].until <= self._monotonic():
            awaited = self._awaited[0]
            if not queries.is_claimed(awaited.video_id, awaited.attempt):
                self._metrics.callback_missing()
            self._awaited.popleft()
