"""The rules: from one observation and one look to the next step. Pure; time enters as `now`.

What is looked at is in look.py, what a step does in effects.py, how long phases last in crds/schedule.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from controller.ports import Job, JobState
from controller.steps import (
    AbandonAttempt,
    AcceptFile,
    AdoptJob,
    Fail,
    FailAttempt,
    Finish,
    OfferUpload,
    Publish,
    RejectFile,
    Rest,
    Seen,
    ShowProgress,
    Step,
    Submit,
    Wait,
    WritePlaylist,
)
from crds.failures import Failure, FailureCode
from crds.schedule import Timing
from crds.videoupload import Phase, Published, Reason, Rejection, SourceFacts
from desired.rows import UNRESOLVED, AttemptRow, AttemptState, VideoRow
from spaces.outcome import OutputsProblem, SourceProblem, VerifiedOutputs
from spaces.playlist import stable_playlist

# Two bad files end an upload: the first may be a slip, the second is what the person has.
REJECTIONS_ALLOWED = 2
PROGRESS_STEP_PERCENT = 10

NOT_YET = "the file has not arrived yet"
NEXT_SUBMISSION = "the next submission is due"
UNCERTAIN = "the provider's answer was lost; waiting for the job to report itself"
TRANSCODING = "the provider is transcoding"


@dataclass(frozen=True)
class Rules:
    """What an installation sets: durations, and how many paid submissions one edition may cost."""

    timing: Timing
    max_submissions: int = 3


def decide(row: VideoRow, seen: Seen, now: datetime, rules: Rules) -> Step:
    """Choose the one next step. This match is the index of all phases."""
    if row.wish.deleted:
        return Rest()
    match row.observed.phase:
        case Phase.PENDING:
            return OfferUpload()
        case Phase.UPLOADING:
            return _uploading(row, seen, now)
        case Phase.UPLOADED:
            return _uploaded(row, seen, now, rules)
        case Phase.PROCESSING:
            return _processing(row, seen, now, rules)
        case Phase.READY | Phase.ERRORED:
            return Rest()
        case _:
            assert_never(row.observed.phase)


def _uploading(row: VideoRow, seen: Seen, now: datetime) -> Step:
    match seen.source:
        case SourceFacts():
            return AcceptFile(seen.source)
        case SourceProblem() if is_over(row, now):
            return Fail(Failure(seen.source.code, seen.source.message, attempt=0))
        case SourceProblem():
            step = _rejected(row, seen.source)
            if step is not None:
                return step
    if not is_over(row, now):
        return Wait(row.observed.reason, row.observed.message)
    if seen.is_blind:
        return Fail(Failure(FailureCode.STORAGE_UNAVAILABLE, "storage gave no answer until the deadline", attempt=0))
    rejected = row.observed.rejected
    if rejected is not None:
        return Fail(Failure(FailureCode(rejected.code), rejected.message, attempt=0))
    return Fail(Failure(FailureCode.UPLOAD_EXPIRED, "no file arrived in time", attempt=0))


def _rejected(row: VideoRow, problem: SourceProblem) -> Step | None:
    """Count a bad version once; the same version again only when the client insists after being told."""
    before = row.observed.rejected
    confirmations = row.wish.confirmations
    is_new = before is None or before.version != problem.version
    is_told_now = before is not None and not is_new and before.confirmations == 0 < confirmations
    is_insisted = before is not None and not is_new and 0 < before.confirmations < confirmations
    if not (is_new or is_told_now or is_insisted):
        return None
    rejections = row.observed.rejections + (0 if is_told_now else 1)
    if rejections >= REJECTIONS_ALLOWED:
        return Fail(Failure(problem.code, problem.message, attempt=0))
    rejected = Rejection(problem.code, problem.message, problem.version, confirmations)
    return RejectFile(rejected, rejections)


def _uploaded(row: VideoRow, seen: Seen, now: datetime, rules: Rules) -> Step:
    newest = seen.attempts[-1] if seen.attempts else None
    if newest is not None and newest.state in UNRESOLVED:
        return _unresolved(row, newest, seen, now, rules)
    if is_over(row, now):
        message = "no transcode could be started in time"
        return Fail(Failure(FailureCode.PROVIDER_UNAVAILABLE, message, attempt=row.observed.attempt))
    if newest is not None and now < _next_submission_at(newest, len(_paid(seen.attempts)), rules.timing):
        return Wait(row.observed.reason, row.observed.message)
    if seen.is_blind:
        return Wait(row.observed.reason, row.observed.message)
    changed = _source_trouble(row, seen)
    if changed is not None:
        return Fail(changed)
    if len(_paid(seen.attempts)) >= rules.max_submissions:
        message = f"{rules.max_submissions} submissions were made and none is known to have led to a job"
        return Fail(Failure(FailureCode.SUBMISSIONS_EXHAUSTED, message, attempt=row.observed.attempt))
    if newest is not None and newest.state is AttemptState.REFUSED:
        return Submit(newest.attempt)
    return Submit(row.observed.attempt + 1)


def _unresolved(row: VideoRow, newest: AttemptRow, seen: Seen, now: datetime, rules: Rules) -> Step:
    """Find out what became of a submission before another is paid for."""
    if seen.job is not None:
        return AdoptJob(newest.attempt, seen.job.job_id)
    if isinstance(seen.outputs, VerifiedOutputs):
        changed = _source_trouble(row, seen)
        return Publish(newest.attempt, seen.outputs) if changed is None else Fail(changed)
    window_ends = newest.intended_at + rules.timing.scaled(rules.timing.resolve_window_seconds)
    # A job that cannot be asked for now may exist: only the deadline lets another be bought blindly.
    if now < window_ends or (seen.is_blind and not is_over(row, now)):
        return Wait(Reason.SUBMISSION_UNCERTAIN, UNCERTAIN)
    return AbandonAttempt(newest.attempt)


def _processing(row: VideoRow, seen: Seen, now: datetime, rules: Rules) -> Step:
    if row.observed.reason is Reason.PUBLISHING and row.observed.published is not None:
        return _publishing(row, row.observed.published, seen, now)
    job = seen.job
    if job is not None and job.state is JobState.COMPLETED and seen.outputs is not None:
        return _completed(row, seen, seen.outputs, rules)
    if job is not None and job.state is JobState.FAILED:
        return _failed(row, job, seen, rules)
    if is_over(row, now) and job is not None and job.state is JobState.COMPLETED:
        return Fail(unpublished(row))
    if is_over(row, now):
        return _attempt_failed(row, seen, rules, FailureCode.TRANSCODE_TIMEOUT, "the job did not end in time")
    if job is None and not seen.is_blind and now - row.observed.phase_since > rules.timing.scaled(60):
        return _attempt_failed(row, seen, rules, FailureCode.JOB_LOST, "the provider does not know the job")
    if job is not None and _is_worth_showing(row, job, now, rules.timing):
        return ShowProgress(job.progress_percent)
    return Wait(Reason.TRANSCODING, TRANSCODING)


def _publishing(row: VideoRow, published: Published, seen: Seen, now: datetime) -> Step:
    if seen.playlist == stable_playlist(published):
        return Finish()
    return Fail(unpublished(row)) if is_over(row, now) else WritePlaylist()


def unpublished(row: VideoRow) -> Failure:
    """Return why a paid and finished job cannot be shown. A person can ask again."""
    message = "storage gave no answer until the deadline"
    return Failure(FailureCode.STORAGE_UNAVAILABLE, message, attempt=row.observed.attempt)


def _completed(row: VideoRow, seen: Seen, outputs: VerifiedOutputs | OutputsProblem, rules: Rules) -> Step:
    if isinstance(outputs, OutputsProblem):
        return _attempt_failed(row, seen, rules, FailureCode.OUTPUTS_INVALID, outputs.message)
    changed = _source_trouble(row, seen)
    if changed is not None:
        return Fail(changed)
    return Publish(row.observed.attempt, outputs)


def _failed(row: VideoRow, job: Job, seen: Seen, rules: Rules) -> Step:
    if job.is_permanent:
        return Fail(Failure(FailureCode.TRANSCODE_FAILED, job.problem, row.observed.attempt, job.answer))
    return _attempt_failed(row, seen, rules, FailureCode.TRANSCODE_FAILED, job.problem, job.answer)


def _attempt_failed(
    row: VideoRow, seen: Seen, rules: Rules, code: FailureCode, message: str, answer: str | None = None
) -> Step:
    failure = Failure(code, message, row.observed.attempt, answer)
    if len(_paid(seen.attempts)) >= rules.max_submissions:
        return Fail(failure)
    return FailAttempt(failure)


def _source_trouble(row: VideoRow, seen: Seen) -> Failure | None:
    """Compare the original with what was verified: money is spent, and a result shown, only for that file."""
    verified, attempt = row.observed.source, row.observed.attempt
    if verified is None or seen.original is None:
        return Failure(FailureCode.SOURCE_MISSING, "the original is no longer in storage", attempt)
    if (seen.original.etag, seen.original.file_bytes) != (verified.etag, verified.file_bytes):
        return Failure(FailureCode.SOURCE_CHANGED, "the original was replaced after it had been verified", attempt)
    return None


def _paid(attempts: tuple[AttemptRow, ...]) -> list[AttemptRow]:
    """Return the submissions that cost money, or may have."""
    return [attempt for attempt in attempts if attempt.state is not AttemptState.REFUSED]


def _next_submission_at(newest: AttemptRow, paid: int, timing: Timing) -> datetime:
    """Return when another submission may follow one that is settled: later with each one paid for."""
    since = newest.settled_at or newest.intended_at
    if newest.state is AttemptState.REFUSED:
        return since + timing.scaled(timing.uploaded_first_check_seconds)
    seconds = min(timing.retry_last_delay_seconds, timing.retry_first_delay_seconds * 2 ** max(0, paid - 1))
    return since + timing.scaled(seconds)


def is_over(row: VideoRow, now: datetime) -> bool:
    """Tell whether the phase has reached its deadline."""
    return row.observed.deadline_at is not None and now >= row.observed.deadline_at


def _is_worth_showing(row: VideoRow, job: Job, now: datetime, timing: Timing) -> bool:
    """Each write costs every watcher: at most one for 10 % and 15 s. Progress never runs backwards."""
    if job.progress_percent < row.observed.progress_percent + PROGRESS_STEP_PERCENT:
        return False
    last = row.observed.progress_at or row.observed.phase_since
    return now - last >= timing.scaled(timing.progress_interval_seconds)
