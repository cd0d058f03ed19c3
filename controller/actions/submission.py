"""Doing what costs money: one job is ordered, found, given up or failed, each fact on record with its observation."""

from contextlib import suppress
from dataclasses import replace

from controller.actions.context import Next, Outcome, Pass
from controller.actions.status import is_ahead_of, project
from controller.coconut.limiter import Pause, Ticket
from controller.rules.steps import AbandonAttempt, AdoptJob, FailAttempt, Submit
from controller.rules.submission import TRANSCODING, UNCERTAIN
from domain.errors import RefusedError, UnavailableError, UpstreamError
from domain.failures import Failure, FailureCode
from domain.jobs import JobOrder, UncertainError
from domain.records import AttemptState, Intend, Settle
from domain.video import Phase, Reason

# What people read while the gate is shut.
_SHUT: dict[Pause, Reason] = {
    Pause.BREAKER: Reason.SUBMISSIONS_PAUSED,
    Pause.CAPACITY: Reason.WAITING_FOR_CAPACITY,
    Pause.RATE: Reason.WAITING_FOR_CAPACITY,
}


def submit(step: Submit, this: Pass) -> Outcome:
    """Put the intent on record, show it, order the job, put its id on record; or say why it is not this one's turn.

    Killed after the first commit, the attempt reads as uncertain: it is resolved before another is bought. Should
    Postgres come back from a dump that is older than the intent, its resource tells of it. Only both at once could
    hide a paid job, so while Kubernetes gives no answer the submission goes on without it.
    """
    ticket = this.world.gate.enter()
    if isinstance(ticket, Pause):
        return _held_back(ticket, this)
    with ticket:
        return _intend(step, this, ticket)


def _held_back(pause: Pause, this: Pass) -> Outcome:
    shown = this.showing(_SHUT[pause], pause.message)
    return Outcome(this.row, Next.AT_CHECK) if shown == this.row.observed else this.commit(shown)


def _intend(step: Submit, this: Pass, ticket: Ticket) -> Outcome:
    world, is_shown = this.world, True
    try:
        if is_ahead_of(this.row, world):
            return Outcome(this.row, Next.SOON)
    except UpstreamError:
        is_shown = False
    started = world.monotonic()
    intended = replace(
        this.showing(Reason.WAITING_FOR_SUBMISSION, f"submission {step.attempt} is on its way"),
        attempt=step.attempt,
        job_id=None,
    )
    intent = Intend(step.attempt, this.row.observed.edition, this.now)
    row = world.observations.commit(this.row, intended, cause=this.cause, attempt=intent)
    if row is None:
        return Outcome(this.row, Next.SOON)
    if is_shown:
        with suppress(UpstreamError):
            project(row, world, this.now)
    return _order(step, replace(this, row=row), ticket, started)


def _order(step: Submit, sending: Pass, ticket: Ticket, started: float) -> Outcome:
    """Order the job of an intent that began to be put on record at ``started``."""
    world, row, timing = sending.world, sending.row, sending.world.rules.timing
    seconds = timing.scaled(timing.processing_deadline_seconds + 3600).total_seconds()
    try:
        order = JobOrder(
            video_id=row.desired.video_id,
            attempt=step.attempt,
            source_url=world.storage.presign_source(row.desired.storage_key, expires_seconds=max(3600, int(seconds))),
            callback_url=world.callback_url(row.desired.video_id, step.attempt),
        )
        if world.monotonic() - started > timing.submission_start_seconds:
            raise UnavailableError("this process was held up between intent and submission")
        with ticket.watching():
            job_id = world.transcoder.start(order)
    except UncertainError:
        settled = Settle(step.attempt, AttemptState.UNCERTAIN, sending.now)
        return sending.commit(sending.showing(Reason.SUBMISSION_UNCERTAIN, UNCERTAIN), attempt=settled)
    except UnavailableError as error:
        settled = Settle(step.attempt, AttemptState.REFUSED, sending.now, answer=str(error))
        return sending.commit(sending.showing(Reason.SUBMISSION_DELAYED, str(error)), attempt=settled)
    except RefusedError as error:
        failure = Failure(FailureCode.PROVIDER_REFUSED, str(error), step.attempt, str(error))
        return sending.fail(failure, Settle(step.attempt, AttemptState.REFUSED, sending.now, answer=str(error)))
    return _accepted(sending, step.attempt, job_id)


def adopt(step: AdoptJob, this: Pass) -> Outcome:
    """Take on a job that a submission with unknown outcome has led to."""
    return _accepted(this, step.attempt, step.job_id)


def abandon(step: AbandonAttempt, this: Pass) -> Outcome:
    """Count a submission as lost."""
    settled = Settle(step.attempt, AttemptState.ABANDONED, this.now)
    message = f"submission {step.attempt} is counted as lost"
    return this.commit(this.showing(Reason.SUBMISSION_DELAYED, message), attempt=settled)


def _accepted(this: Pass, attempt: int, job_id: str) -> Outcome:
    after = replace(this.entering(Phase.PROCESSING, Reason.TRANSCODING, TRANSCODING), attempt=attempt, job_id=job_id)
    return this.commit(after, attempt=Settle(attempt, AttemptState.ACCEPTED, this.now, job_id=job_id))


def fail_attempt(step: FailAttempt, this: Pass) -> Outcome:
    """Let this submission come to nothing; another may follow."""
    failure = step.failure
    message = f"submission {failure.attempt} failed ({failure.code}): {failure.message}"[:1024]
    # The job's id stays: it belongs to this attempt, and the resource refuses another one under the same number.
    after = this.entering(Phase.UPLOADED, Reason.SUBMISSION_DELAYED, message)
    return this.commit(after, attempt=this.settled_failed(failure))
