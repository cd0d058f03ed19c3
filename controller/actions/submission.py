"""Carries out what costs money: start, restore, adopt, abandon or fail a job.

Each commits its attempt and observation.
"""

from contextlib import suppress
from dataclasses import replace

from controller.actions.adoption import restore_deletion
from controller.actions.context import ReconcileContext, Requeue, Result
from controller.actions.status import is_ahead_of, write_status
from controller.coconut.limiter import Denied, Permit
from controller.dependencies import Dependencies
from controller.rules.steps import AbandonAttempt, AdoptJob, FailAttempt, RestoreAttempt, Submit
from controller.rules.submission import (
    FOUND_IN_BUCKET,
    NO_PROFILE,
    ROLLOUT_HELD,
    TRANSCODING,
    UNCERTAIN,
    used_attempt,
)
from domain.durations import SOURCE_URL_MARGIN_SECONDS
from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.failures import Failure, FailureCode
from domain.jobs import JobOrder, UncertainError
from domain.marks import Marks
from domain.object_keys import attempt_of_folder, outputs_folder
from domain.profiles import OrderedProfile, ProfileSpec
from domain.records import AttemptState, Intend, Settle, VideoRow
from domain.spending import SubmissionRequest
from domain.video import ObservedState, Phase, Reason, Visibility
from runtime import time_budget
from runtime.bulkhead import BulkheadFullError
from runtime.time_budget import BudgetSpentError

# The reasons that people see while the limiter denies submissions.
_REASON_DENIED: dict[Denied, Reason] = {
    Denied.BREAKER: Reason.SUBMISSIONS_PAUSED,
    Denied.JOBS_UNKNOWN: Reason.SUBMISSIONS_PAUSED,
    Denied.OWNER_DAY: Reason.DAILY_LIMIT_REACHED,
    Denied.DAY: Reason.SPENDING_STOPPED,
    Denied.OWNER_CAPACITY: Reason.WAITING_FOR_OWN_JOBS,
    Denied.CAPACITY: Reason.WAITING_FOR_CAPACITY,
    Denied.RATE: Reason.WAITING_FOR_CAPACITY,
}


def submit(step: Submit, ctx: ReconcileContext) -> Result:
    """Commit the intent, write it to the resource, start the job, commit its id; or show why the limiter denies it.

    If the process dies after the first commit, the attempt counts as uncertain and is resolved before another is paid
    for. If Postgres is restored from a dump older than the intent, the resource still has it, and the bucket after the
    resource has left: both are read first. The submission continues while Kubernetes does not answer.
    """
    profile = ctx.deps.profiles.get(ctx.row.desired.profile)
    if profile is None:
        return _shown_once(ctx.showing(Reason.WAITING_FOR_PROFILE, NO_PROFILE), ctx)
    if ctx.row.is_of_administrators and ctx.deps.profiles.is_rollout_held(
        profile.name, ctx.row.desired.video_id, ctx.row.observed.edition
    ):
        return _shown_once(ctx.showing(Reason.SPENDING_STOPPED, ROLLOUT_HELD), ctx)
    permit = ctx.deps.limiter.acquire(_request(ctx, profile.spec))
    if isinstance(permit, Denied):
        return _denied(permit, ctx)
    with permit:
        marks = ctx.deps.storage.marks(ctx.row.desired.video_id)
        if restore_deletion(ctx.row, marks, ctx.deps, ctx.now) is not None:
            return Result(ctx.row, Requeue.BACKOFF)
        used = find_used_attempt(ctx.row, marks, ctx.deps)
        if used is not None:
            return restore_attempt(used, ctx)
        if permit.needs_probe:
            try:
                with permit.probing():
                    ctx.deps.transcoder.probe()
            except (BulkheadFullError, BudgetSpentError):
                raise
            except UnavailableError as error:
                return _shown_once(ctx.showing(Reason.SUBMISSION_DELAYED, str(error)), ctx)
        return _intend(step, ctx, permit, profile)


def find_used_attempt(row: VideoRow, marks: Marks, deps: Dependencies) -> RestoreAttempt | None:
    """Look in the bucket for an attempt that the row does not know. Raises UpstreamError.

    The attempts of earlier releases have no mark, but most have outputs.
    """
    written = {attempt_of_folder(folder): folder for folder in deps.storage.output_folders(row.desired.video_id)}
    folders = {attempt: folder for attempt, folder in written.items() if attempt is not None}
    return used_attempt(row, folders | dict(marks.folders), marks.jobs)


def restore_attempt(step: RestoreAttempt, ctx: ReconcileContext) -> Result:
    """Take an attempt into the row that it was restored without. It pays for nothing."""
    if step.job_id is None:
        found = ctx.showing(Reason.SUBMISSION_UNCERTAIN, FOUND_IN_BUCKET)
    else:
        found = ctx.entering(Phase.PROCESSING, Reason.TRANSCODING, TRANSCODING)
    found = replace(
        found,
        revision=ctx.row.observed.revision + 1,
        attempt=step.attempt,
        job_id=step.job_id,
        folder=step.folder,
        is_private=_is_private(ctx.row),
        ordered=None,  # the record of it is lost
    )
    row = ctx.deps.adoption.learn(ctx.row, observed=found, at=ctx.now)
    return Result(ctx.row, Requeue.BACKOFF) if row is None else Result(row, Requeue.NOW)


def _remove_upload(row: VideoRow, deps: Dependencies) -> None:
    """Remove the file that the client sent, once the resource shows its accepted copy.

    A row that is restored from an older dump finds one of the two. Everything reads the copy by now, so neither a
    submission nor the record of its answer waits for this. If it fails or the process dies first, the audit does it.
    """
    if row.original_key != row.desired.storage_key:
        with suppress(UpstreamError):
            deps.storage.remove_original(row.desired.storage_key)


def _request(ctx: ReconcileContext, profile: ProfileSpec) -> SubmissionRequest:
    row, limits = ctx.row, ctx.deps.policy.spending
    seconds = row.observed.source.duration_seconds if row.observed.source else None
    minutes = limits.billed_minutes(seconds, outputs=profile.billed_outputs)
    return SubmissionRequest(
        row.desired.video_id, row.counted_owner, row.observed.phase_since, minutes, is_last=row.is_of_administrators
    )


def _denied(denied: Denied, ctx: ReconcileContext) -> Result:
    if denied is Denied.UNPROVEN:
        return Result(ctx.row, Requeue.BACKOFF)  # lasts seconds, so it is not worth a write
    return _shown_once(ctx.showing(_REASON_DENIED[denied], denied.message), ctx)


def _shown_once(after: ObservedState, ctx: ReconcileContext) -> Result:
    return Result(ctx.row, Requeue.SCHEDULED) if after == ctx.row.observed else ctx.commit(after)


def _intend(step: Submit, ctx: ReconcileContext, permit: Permit, profile: OrderedProfile) -> Result:
    deps, latest, is_reachable = ctx.deps, None, True
    try:
        latest = deps.resources.get(ctx.row.desired.video_id)
    except UpstreamError:
        is_reachable = False
    if latest is not None and is_ahead_of(ctx.row, latest):
        return Result(ctx.row, Requeue.BACKOFF)
    started = deps.monotonic()
    intended = replace(
        ctx.showing(Reason.WAITING_FOR_SUBMISSION, f"submission {step.attempt} is on its way"),
        attempt=step.attempt,
        job_id=None,
        folder=outputs_folder(step.attempt, deps.new_word()),
        is_private=_is_private(ctx.row),
        ordered=profile,
    )
    request = permit.request
    intent = Intend(
        step.attempt, ctx.row.observed.edition, ctx.now, request.owner, request.minutes, deps.policy.spending
    )
    row = ctx.store(intended, intent)
    if row is None:
        return Result(ctx.row, Requeue.BACKOFF)
    written = None
    if is_reachable:
        with suppress(UpstreamError):
            written = write_status(row, deps, ctx.now, latest=latest)
    result = _start_job(step, replace(ctx, row=row), permit, profile.spec, started)
    if written is not None:
        _remove_upload(row, deps)
    return replace(result, written=written)


def _is_private(row: VideoRow) -> bool:
    """Return where the files of the next attempt belong: with those of the attempts before it, if there are any."""
    return row.observed.is_private if row.observed.attempt else row.desired.visibility is Visibility.PRIVATE


def _start_job(step: Submit, sending: ReconcileContext, permit: Permit, profile: ProfileSpec, started: float) -> Result:
    """Start the job of an intent whose commit began at ``started``."""
    deps, row, timing = sending.deps, sending.row, sending.deps.policy.timing
    try:
        deps.storage.mark_attempt(row.desired.video_id, row.observed.outputs_folder)
    except UpstreamError as error:
        return _delayed(sending, step.attempt, error)
    seconds = timing.scaled(timing.processing_deadline_seconds + SOURCE_URL_MARGIN_SECONDS).total_seconds()
    try:
        order = JobOrder(
            video_id=row.desired.video_id,
            attempt=step.attempt,
            folder=row.observed.outputs_folder,
            source_url=deps.storage.presign_source(row.original_key, expires_seconds=max(3600, int(seconds))),
            callback_url=deps.callback_url(row.desired.video_id, step.attempt),
            orientation=row.observed.source.orientation if row.observed.source else None,
            max_seconds=deps.policy.spending.duration_seconds,
            is_private=row.observed.is_private,
            profile=profile,
        )
        if deps.monotonic() - started > timing.submission_start_seconds:
            raise UnavailableError("too much time passed between the intent and the submission")
        if not deps.is_leading():
            raise UnavailableError("this process has lost the Lease")
        if not deps.attempts.is_open(row.desired.video_id, step.attempt):
            return Result(sending.row, Requeue.BACKOFF)  # resolved by the next leader while this machine stood still
        time_budget.check()  # here, and not inside, where it would count as a failure of the provider
        with permit.recording():
            job_id = deps.transcoder.start(order)
    except UncertainError as error:
        settled = Settle(step.attempt, AttemptState.UNCERTAIN, sending.now, answer=str(error))
        return sending.commit(sending.showing(Reason.SUBMISSION_UNCERTAIN, UNCERTAIN), attempt=settled)
    except UnavailableError as error:
        _unmark(row, deps)
        return _delayed(sending, step.attempt, error)
    except RefusedError as error:
        _unmark(row, deps)
        failure = Failure(FailureCode.PROVIDER_REFUSED, str(error), step.attempt, str(error))
        return sending.fail(failure, Settle(step.attempt, AttemptState.REFUSED, sending.now, answer=str(error)))
    return _accepted(sending, step.attempt, job_id)


def _unmark(row: VideoRow, deps: Dependencies) -> None:
    """Remove the mark of an attempt that was certainly refused. A mark that stays uses up a number, but buys no job."""
    with suppress(UpstreamError):
        deps.storage.unmark_attempt(row.desired.video_id, row.observed.outputs_folder)


def _delayed(sending: ReconcileContext, attempt: int, error: UpstreamError) -> Result:
    settled = Settle(attempt, AttemptState.REFUSED, sending.now, answer=str(error))
    return sending.commit(sending.showing(Reason.SUBMISSION_DELAYED, str(error)), attempt=settled)


def adopt(step: AdoptJob, ctx: ReconcileContext) -> Result:
    """Adopt the job that an uncertain submission has led to."""
    result = _accepted(ctx, step.attempt, step.job_id)
    _remove_upload(ctx.row, ctx.deps)
    return result


def abandon(step: AbandonAttempt, ctx: ReconcileContext) -> Result:
    """Count a submission as lost."""
    settled = Settle(step.attempt, AttemptState.ABANDONED, ctx.now, is_charged=step.is_charged)
    after = ctx.showing(Reason.ATTEMPT_FAILED, f"submission {step.attempt} is counted as lost")
    if step.is_repeated:
        after = replace(after, attempt_floor=after.attempt_floor + 1)
    return ctx.commit(after, attempt=settled)


def _accepted(ctx: ReconcileContext, attempt: int, job_id: str) -> Result:
    after = replace(ctx.entering(Phase.PROCESSING, Reason.TRANSCODING, TRANSCODING), attempt=attempt, job_id=job_id)
    result = ctx.commit(after, attempt=Settle(attempt, AttemptState.ACCEPTED, ctx.now, job_id=job_id))
    with suppress(UpstreamError):
        # Only a row restored from an older dump needs the mark, and it finds complete outputs without one too.
        ctx.deps.storage.mark_job(ctx.row.desired.video_id, attempt, job_id)
    return result


def fail_attempt(step: FailAttempt, ctx: ReconcileContext) -> Result:
    """Fail this attempt; another may follow."""
    failure = step.failure
    message = f"submission {failure.attempt} failed ({failure.code}): {failure.message}"[:1024]
    # The job's id stays: it belongs to this attempt, and the resource refuses another one under the same number.
    after = ctx.entering(Phase.UPLOADED, Reason.ATTEMPT_FAILED, message)
    return ctx.commit(after, attempt=ctx.settled_failed(failure))
