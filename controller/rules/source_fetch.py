"""The rules of a file that is fetched from a URL. Pure, like machine.py."""

from datetime import datetime

from controller.rules.deadlines import is_over, waiting_longer_for_file
from controller.rules.steps import AcceptFile, Fail, FetchSource, Snapshot, Step, Wait
from controller.rules.submission import PROGRESS_STEP_PERCENT
from domain.failures import Failure, FailureCode
from domain.objects import SourceProblem
from domain.records import VideoRow
from domain.schedule import Timing
from domain.source_fetch import SourceFetch
from domain.video import Reason, SourceFacts

_LATE = "the file was not fetched in time"


def fetching(row: VideoRow, snapshot: Snapshot, now: datetime, timing: Timing) -> Step:
    """Choose the next step for a file that is fetched. The same URL is not expected to give another file."""
    fetch = row.current_fetch
    match snapshot.source:
        case SourceFacts():
            return AcceptFile(snapshot.source)
        case SourceProblem():
            return Fail(Failure(snapshot.source.code, snapshot.source.message, attempt=0))
    if fetch.failure is not None:
        return Fail(fetch.failure)
    if is_over(row, now):
        if snapshot.is_incomplete:
            return waiting_longer_for_file(row, now, timing, message="storage gave no answer until the deadline")
        return Fail(Failure(FailureCode.SOURCE_UNREACHABLE, fetch.message or _LATE, attempt=0))
    if fetch.is_stored and snapshot.is_incomplete:
        return Wait(row.observed.reason, row.observed.message)
    if fetch.retry_at is not None and now < fetch.retry_at:
        return Wait(Reason.SOURCE_DELAYED, fetch.message or _LATE)
    shown = row.observed.progress_percent
    return FetchSource(fetch.percent if _is_worth_showing(row, fetch, now, timing) else shown)


def _is_worth_showing(row: VideoRow, fetch: SourceFetch, now: datetime, timing: Timing) -> bool:
    """Return whether progress is worth a write, as that of a job is. A fetch that started over shows less again."""
    observed = row.observed
    last = observed.progress_at or observed.phase_since
    is_other = abs(fetch.percent - observed.progress_percent) >= PROGRESS_STEP_PERCENT
    return is_other and now - last >= timing.scaled(timing.progress_interval_seconds)
