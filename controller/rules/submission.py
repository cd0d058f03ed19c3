"""The rules of what costs money: submissions, their jobs and their outputs. Pure, like machine.py.

Coconut has no idempotency key, no list and no cancel (design: docs/decisions/0002-editions-and-attempts.md): another
job is paid for only when the last one certainly failed, or its outcome can no longer be found out.
"""

from collections.abc import Mapping
from datetime import datetime

from controller.rules.deadlines import is_final, is_over, waiting_longer_for_outputs
from controller.rules.steps import (
    AbandonAttempt,
    AdoptJob,
    Fail,
    FailAttempt,
    Finish,
    Publish,
    PublishCaptions,
    PublishPoster,
    RestoreAttempt,
    ShowProgress,
    Snapshot,
    Step,
    Submit,
    Wait,
    WritePlaylist,
)
from domain.failures import Failure, FailureCode
from domain.jobs import Job, JobState
from domain.objects import OutputsProblem, VerifiedOutputs
from domain.policy import LifecyclePolicy, UncertainSubmissionPolicy
from domain.records import UNRESOLVED, AttemptRow, AttemptState, VideoRow
from domain.schedule import Timing
from domain.stable_playlist import playlist_of
from domain.video import WAITING_FOR_A_DAY, Published, Reason

PROGRESS_STEP_PERCENT = 10

LOOKS_BEFORE_LOST = 5

# Sound is padded to whole frames, and the provider's condition to whole seconds.
DURATION_TOLERANCE_SECONDS = 5

NEXT_SUBMISSION = "the next submission is due"
UNCERTAIN = "the provider's answer was lost; waiting for the job to report itself"
FOUND_IN_BUCKET = "the bucket has a submission that was made after the dump of the database; looking for its outputs"
HELD = "the provider's answer was lost and no job ever reported itself; a person decides"
TRANSCODING = "the provider is transcoding"
ROLLOUT_HELD = "the rollout that asked for this edition is held: paused, stopped by its failures, or of another plan"
NO_PROFILE = "there is no TranscodeProfile of the name that the video says"


def submitting(row: VideoRow, snapshot: Snapshot, now: datetime, policy: LifecyclePolicy) -> Step:
    """Choose the next step for a verified original."""
    newest = snapshot.attempts[-1] if snapshot.attempts else None
    if newest is not None and newest.state in UNRESOLVED:
        return _unresolved(row, newest, snapshot, now, policy)
    if snapshot.used is not None:
        return snapshot.used
    if is_over(row, now):
        return Fail(_not_started(row))
    if newest is not None and now < _next_submission_at(row, newest, snapshot, policy.timing):
        return Wait(row.observed.reason, row.observed.message)
    if snapshot.is_incomplete:
        return Wait(row.observed.reason, row.observed.message)
    changed = _source_failure(row, snapshot)
    if changed is not None:
        return Fail(changed)
    if len(_paid(snapshot.attempts)) >= policy.max_submissions:
        message = f"{policy.max_submissions} submissions were made, and none led to a known job"
        return Fail(Failure(FailureCode.SUBMISSIONS_EXHAUSTED, message, attempt=row.observed.attempt))
    if newest is not None and newest.state is AttemptState.REFUSED:
        return Submit(newest.attempt)
    return Submit(row.observed.attempt + 1)


def ends_without_another(
    row: VideoRow, attempts: tuple[AttemptRow, ...], now: datetime, policy: LifecyclePolicy
) -> bool:
    """Return whether an upload whose last submission is resolved ends here, unless the bucket has an attempt of it."""
    return is_over(row, now) or len(_paid(attempts)) >= policy.max_submissions


def used_attempt(row: VideoRow, folders: Mapping[int, str], jobs: Mapping[int, str]) -> RestoreAttempt | None:
    """Return the first attempt that the bucket has and the row does not know; None if there is none.

    ``folders`` and ``jobs``: those in the bucket, by attempt. One that was refused is repeated under its number, in
    another folder.
    """
    newest = row.observed.attempt
    unknown = [used for used, folder in folders.items() if used >= newest and folder != row.observed.outputs_folder]
    used = min(unknown, default=None)
    return None if used is None else RestoreAttempt(used, folders[used], jobs.get(used))


def _not_started(row: VideoRow) -> Failure:
    """Return why no job was started until the deadline: a limit of ours, or the provider."""
    if row.observed.reason in WAITING_FOR_A_DAY | {Reason.WAITING_FOR_CAPACITY, Reason.WAITING_FOR_OWN_JOBS}:
        message = "a limit held the job back until the deadline"
        return Failure(FailureCode.LIMIT_REACHED, message, attempt=row.observed.attempt)
    if row.observed.reason is Reason.WAITING_FOR_PROFILE:
        message = "until the deadline there was no TranscodeProfile of the name that the video says"
        return Failure(FailureCode.PROVIDER_REFUSED, message, attempt=row.observed.attempt)
    message = "no transcode could be started in time"
    return Failure(FailureCode.PROVIDER_UNAVAILABLE, message, attempt=row.observed.attempt)


def _unresolved(row: VideoRow, newest: AttemptRow, snapshot: Snapshot, now: datetime, policy: LifecyclePolicy) -> Step:
    """Resolve the outcome of a submission before another is paid for."""
    if snapshot.job is not None:
        return AdoptJob(newest.attempt, snapshot.job.job_id)
    if isinstance(snapshot.outputs, VerifiedOutputs):
        changed = _source_failure(row, snapshot)
        return Publish(newest.attempt, snapshot.outputs) if changed is None else Fail(changed)
    window_ends = newest.intended_at + policy.timing.scaled(policy.timing.resolve_window_seconds)
    # While an upstream does not answer, a job may exist: only after the deadline may another be paid for.
    if now < window_ends or (snapshot.is_incomplete and not is_over(row, now)):
        return Wait(Reason.SUBMISSION_UNCERTAIN, UNCERTAIN)
    if policy.on_uncertain is UncertainSubmissionPolicy.HOLD:
        if is_over(row, now):
            return Fail(Failure(FailureCode.SUBMISSION_UNRESOLVED, HELD, attempt=newest.attempt))
        return Wait(Reason.SUBMISSION_HELD, HELD)
    return AbandonAttempt(
        newest.attempt,
        is_charged=not _is_outage(newest, snapshot.accepted_at),
        is_repeated=any(_is_outage(earlier, snapshot.accepted_before) for earlier in snapshot.attempts[:-1]),
    )


def _is_outage(attempt: AttemptRow, accepted_at: datetime | None) -> bool:
    """Return whether the provider failed this submission, and the last one that it had accepted by then was older.

    An attempt of an operator that was killed has no answer, and counts by itself.
    """
    is_failed = attempt.state in {AttemptState.UNCERTAIN, AttemptState.ABANDONED} and attempt.answer is not None
    return is_failed and (accepted_at is None or accepted_at < attempt.intended_at)


def transcoding(row: VideoRow, snapshot: Snapshot, now: datetime, policy: LifecyclePolicy) -> Step:
    """Choose the next step while a job runs."""
    job = snapshot.job
    if job is None and isinstance(snapshot.outputs, VerifiedOutputs):
        return _completed(row, snapshot, snapshot.outputs, policy)
    if job is not None and job.state is JobState.COMPLETED and snapshot.outputs is not None:
        return _completed(row, snapshot, snapshot.outputs, policy)
    if job is not None and job.state is JobState.TOO_LONG:
        return Fail(_too_long(row))
    if job is not None and job.state is JobState.FAILED:
        return _failed(row, job, snapshot, policy)
    if is_over(row, now) and snapshot.is_incomplete and not is_final(row, now, policy.timing):
        return waiting_longer_for_outputs(row, now, policy.timing)
    if is_over(row, now) and job is not None and job.state is JobState.COMPLETED:
        return Fail(unpublished(row))
    if is_over(row, now):
        return _attempt_failed(row, snapshot, policy, FailureCode.TRANSCODE_TIMEOUT, "the job did not end in time")
    if job is None and _is_lost(snapshot, policy.timing):
        return _attempt_failed(row, snapshot, policy, FailureCode.JOB_LOST, "the provider does not know the job")
    if job is not None and _is_worth_showing(row, job, now, policy.timing):
        return ShowProgress(job.progress_percent)
    return Wait(Reason.TRANSCODING, TRANSCODING)


def _is_lost(snapshot: Snapshot, timing: Timing) -> bool:
    """Return whether a job that Coconut knew is lost: unknown in many looks, for long, and without complete outputs.

    A single 404 comes from a provider's replica that lags, or from a key that was rotated too early.
    """
    window = timing.scaled(timing.job_lost_seconds).total_seconds()
    return snapshot.unknown_looks >= LOOKS_BEFORE_LOST and snapshot.unknown_seconds >= window


def publishing(row: VideoRow, published: Published, snapshot: Snapshot, now: datetime, timing: Timing) -> Step:
    """Choose the next step once the outputs are complete."""
    # With captions and poster from the start. After the deadline the stream is published without waiting for them.
    if not snapshot.is_incomplete and not is_over(row, now):
        if row.has_captions_due:
            return PublishCaptions()
        if row.has_poster_due:
            return PublishPoster()
    if snapshot.playlist == playlist_of(row, published):
        return Finish()
    if snapshot.is_incomplete and is_over(row, now):
        return Fail(unpublished(row)) if is_final(row, now, timing) else waiting_longer_for_outputs(row, now, timing)
    if snapshot.hindrance is not None:
        return Wait(row.observed.reason, row.observed.message)
    # A paid and complete result is not lost to a deadline that passed while no pass was made.
    return WritePlaylist()


def unpublished(row: VideoRow) -> Failure:
    """Return why the outputs of a finished job cannot be published. A person can retry."""
    message = "storage gave no answer until the deadline"
    return Failure(FailureCode.STORAGE_UNAVAILABLE, message, attempt=row.observed.attempt)


def _completed(
    row: VideoRow, snapshot: Snapshot, outputs: VerifiedOutputs | OutputsProblem, policy: LifecyclePolicy
) -> Step:
    if isinstance(outputs, OutputsProblem) and outputs.is_permanent:
        return Fail(Failure(FailureCode.OUTPUTS_MISMATCH, outputs.message, row.observed.attempt))
    if isinstance(outputs, OutputsProblem):
        return _attempt_failed(row, snapshot, policy, FailureCode.OUTPUTS_INVALID, outputs.message)
    if outputs.duration_seconds > policy.spending.duration_seconds + DURATION_TOLERANCE_SECONDS:
        return Fail(_too_long(row), billed_minutes=outputs.billed_minutes)
    changed = _source_failure(row, snapshot)
    if changed is not None:
        return Fail(changed)
    return Publish(row.observed.attempt, outputs)


def _too_long(row: VideoRow) -> Failure:
    message = "the video is longer than this installation transcodes"
    return Failure(FailureCode.VIDEO_TOO_LONG, message, row.observed.attempt)


def _failed(row: VideoRow, job: Job, snapshot: Snapshot, policy: LifecyclePolicy) -> Step:
    if job.is_undecodable:
        return Fail(Failure(FailureCode.VIDEO_UNDECODABLE, job.problem, row.observed.attempt, job.answer))
    # A second job may succeed where one failed by chance; on a file of unknown format that is too unlikely to pay for.
    if row.observed.source is not None and not row.observed.source.is_recognised:
        return Fail(Failure(FailureCode.TRANSCODE_FAILED, job.problem, row.observed.attempt, job.answer))
    return _attempt_failed(row, snapshot, policy, FailureCode.TRANSCODE_FAILED, job.problem, job.answer)


def _attempt_failed(
    row: VideoRow,
    snapshot: Snapshot,
    policy: LifecyclePolicy,
    code: FailureCode,
    message: str,
    answer: str | None = None,
) -> Step:
    failure = Failure(code, message, row.observed.attempt, answer)
    if len(_paid(snapshot.attempts)) >= policy.max_submissions:
        return Fail(failure)
    return FailAttempt(failure)


def _source_failure(row: VideoRow, snapshot: Snapshot) -> Failure | None:
    """Compare the original with the verified file: only that file is paid for and published."""
    verified, attempt = row.observed.source, row.observed.attempt
    if verified is None or snapshot.original is None:
        return Failure(FailureCode.SOURCE_MISSING, "the original is no longer in storage", attempt)
    if (snapshot.original.etag, snapshot.original.file_bytes) != (verified.etag, verified.file_bytes):
        return Failure(FailureCode.SOURCE_CHANGED, "the original was replaced after it had been verified", attempt)
    return None


def _paid(attempts: tuple[AttemptRow, ...]) -> list[AttemptRow]:
    """Return the submissions that cost money, or may have."""
    return [attempt for attempt in attempts if attempt.state is not AttemptState.REFUSED]


def _next_submission_at(row: VideoRow, newest: AttemptRow, snapshot: Snapshot, timing: Timing) -> datetime:
    """Return when another submission may follow one that is settled: later with each one paid for.

    What an outage repeats is not counted, so each wait is half of all that went before: at most 16
    submissions in a week.
    """
    since, paid = newest.settled_at or newest.intended_at, len(_paid(snapshot.attempts))
    if newest.state is AttemptState.REFUSED:
        return since + timing.scaled(timing.uploaded_first_check_seconds)
    seconds = min(timing.retry_last_delay_seconds, timing.retry_first_delay_seconds * 2 ** max(0, paid - 1))
    delay = timing.scaled(seconds)
    if _is_outage(newest, snapshot.accepted_at):
        delay = max(delay, (since - row.observed.phase_since) / 2)
    return since + delay


def _is_worth_showing(row: VideoRow, job: Job, now: datetime, timing: Timing) -> bool:
    """Return whether progress is worth a write, which costs every watcher: one for 10 % and 15 s, never backwards."""
    if job.progress_percent < row.observed.progress_percent + PROGRESS_STEP_PERCENT:
        return False
    last = row.observed.progress_at or row.observed.phase_since
    return now - last >= timing.scaled(timing.progress_interval_seconds)
