"""Doing: one effect for each step, and the observation that follows from it.

Which step is right is decided in machine.py. Every function here may be cut off at any line: what was
committed before is enough for the next pass to go on.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import assert_never

from controller.machine import NEXT_SUBMISSION, NOT_YET, TRANSCODING, UNCERTAIN, is_over, unpublished
from controller.ports import JobOrder, UncertainError
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
    ShowProgress,
    Step,
    Submit,
    Wait,
    WritePlaylist,
)
from controller.world import World
from crds.failures import Failure, FailureCode
from crds.schedule import deadline_at
from crds.trouble import NeighbourError, RefusedError, UnavailableError
from crds.videoupload import Observed, Phase, Published, Reason
from desired.attempts import AttemptChange, Intend, Settle
from desired.rows import AttemptState, Cause, VideoRow
from spaces.playlist import stable_playlist


class Next(Enum):
    """When the upload is to be looked at again."""

    AT_CHECK = "at the next scheduled check"
    AT_ONCE = "at once: the next step is known to be due"
    SOON = "soon, and later each time: something moved under this pass"


@dataclass(frozen=True)
class Outcome:
    """What a pass left behind. ``step``: its name for the log, None if nothing was done."""

    row: VideoRow
    next: Next
    step: str | None = None


@dataclass(frozen=True)
class Pass:
    """One pass over one upload: what it builds on, and when."""

    row: VideoRow
    world: World
    cause: Cause
    now: datetime

    def commit(self, after: Observed, then: Next = Next.AT_CHECK, attempt: AttemptChange | None = None) -> Outcome:
        """Store the observation; a row that moved meanwhile ends the pass."""
        row = self.world.observations.commit(self.row, after, cause=self.cause, attempt=attempt)
        return Outcome(self.row, Next.SOON) if row is None else Outcome(row, then)

    def entering(self, phase: Phase, reason: Reason, message: str) -> Observed:
        """Return the observation with a new phase and what always changes with one."""
        return replace(
            self.row.observed,
            phase=phase,
            phase_since=self.now,
            deadline_at=deadline_at(phase, self.now, self.world.rules.timing),
            reason=reason,
            message=message,
            progress_percent=0,
            progress_at=None,
            failure=None,
        )

    def showing(self, reason: Reason, message: str) -> Observed:
        """Return the observation with another reason in the same phase."""
        return replace(self.row.observed, reason=reason, message=message)


def do(step: Step, this: Pass) -> Outcome:
    """Carry out one step. Raises UnavailableError, RefusedError; then nothing is known to have happened."""
    outcome = _do(step, this)
    is_taken = outcome.row is not this.row or isinstance(step, WritePlaylist)
    return replace(outcome, step=type(step).__name__) if is_taken else outcome


def _do(step: Step, this: Pass) -> Outcome:  # noqa: PLR0911 - one line for each step is the point
    observed = this.row.observed
    match step:
        case Rest():
            return Outcome(this.row, Next.AT_CHECK)
        case Wait():
            return _wait(step, this)
        case OfferUpload():
            return this.commit(this.entering(Phase.UPLOADING, Reason.WAITING_FOR_FILE, NOT_YET), Next.AT_ONCE)
        case AcceptFile():
            after = this.entering(Phase.UPLOADED, Reason.WAITING_FOR_SUBMISSION, NEXT_SUBMISSION)
            return this.commit(replace(after, source=step.source, rejected=None), Next.AT_ONCE)
        case RejectFile():
            shown = this.showing(Reason.FILE_REJECTED, step.rejected.message)
            return this.commit(replace(shown, rejected=step.rejected, rejections=step.rejections))
        case Submit():
            return _submit(step, this)
        case AdoptJob():
            return _accepted(this, step.attempt, step.job_id)
        case AbandonAttempt():
            settled = Settle(step.attempt, AttemptState.ABANDONED, this.now)
            message = f"submission {step.attempt} is counted as lost"
            return this.commit(this.showing(Reason.SUBMISSION_DELAYED, message), attempt=settled)
        case ShowProgress():
            return this.commit(replace(observed, progress_percent=step.percent, progress_at=this.now))
        case FailAttempt():
            return _fail_attempt(step, this)
        case Publish():
            return _publish(step, this)
        case WritePlaylist():
            return _write_playlist(this)
        case Finish():
            after = this.entering(Phase.READY, Reason.PUBLISHED, "the video is playable")
            return this.commit(replace(after, is_playable=True, progress_percent=100))
        case Fail():
            return _fail(step.failure, this)
        case _:
            assert_never(step)


def _wait(step: Wait, this: Pass) -> Outcome:
    if (step.reason, step.message) == (this.row.observed.reason, this.row.observed.message):
        return Outcome(this.row, Next.AT_CHECK)
    return this.commit(this.showing(step.reason, step.message))


def _submit(step: Submit, this: Pass) -> Outcome:
    """Put the intent on record, order the job, put its id on record.

    Killed after the first commit, the attempt reads as uncertain: it is resolved before another is bought.
    """
    world, timing = this.world, this.world.rules.timing
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
    sending = replace(this, row=row)
    seconds = timing.scaled(timing.processing_deadline_seconds + 3600).total_seconds()
    try:
        order = JobOrder(
            video_id=row.wish.video_id,
            attempt=step.attempt,
            source_url=world.storage.presign_source(row.wish.storage_key, expires_seconds=max(3600, int(seconds))),
            callback_url=world.callback_url(row.wish.video_id, step.attempt),
        )
        if world.monotonic() - started > timing.submission_start_seconds:
            raise UnavailableError("this process was held up between intent and submission")
        job_id = world.transcoder.start(order)
    except UncertainError:
        settled = Settle(step.attempt, AttemptState.UNCERTAIN, this.now)
        return sending.commit(sending.showing(Reason.SUBMISSION_UNCERTAIN, UNCERTAIN), attempt=settled)
    except UnavailableError as error:
        settled = Settle(step.attempt, AttemptState.REFUSED, this.now, answer=str(error))
        return sending.commit(sending.showing(Reason.SUBMISSION_DELAYED, str(error)), attempt=settled)
    except RefusedError as error:
        failure = Failure(FailureCode.PROVIDER_REFUSED, str(error), step.attempt, str(error))
        return _fail(failure, sending, Settle(step.attempt, AttemptState.REFUSED, this.now, answer=str(error)))
    return _accepted(sending, step.attempt, job_id)


def _accepted(this: Pass, attempt: int, job_id: str) -> Outcome:
    after = replace(this.entering(Phase.PROCESSING, Reason.TRANSCODING, TRANSCODING), attempt=attempt, job_id=job_id)
    return this.commit(after, attempt=Settle(attempt, AttemptState.ACCEPTED, this.now, job_id=job_id))


def _fail_attempt(step: FailAttempt, this: Pass) -> Outcome:
    failure = step.failure
    message = f"submission {failure.attempt} failed ({failure.code}): {failure.message}"[:1024]
    # The job's id stays: it belongs to this attempt, and the resource refuses another one under the same number.
    after = this.entering(Phase.UPLOADED, Reason.SUBMISSION_DELAYED, message)
    return this.commit(after, attempt=_settle_failed(failure, this))


def _settle_failed(failure: Failure, this: Pass) -> Settle:
    answer = failure.provider_answer or failure.message
    return Settle(failure.attempt, AttemptState.FAILED, this.now, answer=answer[:4096])


def _publish(step: Publish, this: Pass) -> Outcome:
    observed, message = this.row.observed, "the outputs are complete and being published"
    if step.outputs.poster_key is not None:
        try:
            this.world.storage.publish_poster(this.row.wish.video_id, step.outputs.poster_key)
        except NeighbourError:
            if not is_over(this.row, this.now):
                raise
            return _fail(unpublished(this.row), this)
    published = Published(
        edition=observed.edition,
        attempt=step.attempt,
        duration_seconds=step.outputs.duration_seconds,
        renditions=step.outputs.renditions,
        has_poster=step.outputs.poster_key is not None,
    )
    if observed.phase is Phase.PROCESSING:
        # Its own deadline: a job found finished after a long outage is published all the same.
        ends_at = deadline_at(Phase.PROCESSING, this.now, this.world.rules.timing)
        after = replace(this.showing(Reason.PUBLISHING, message), deadline_at=ends_at)
    else:
        after = this.entering(Phase.PROCESSING, Reason.PUBLISHING, message)
    settled = Settle(step.attempt, AttemptState.COMPLETED, this.now)
    return this.commit(replace(after, published=published), Next.AT_ONCE, settled)


def _write_playlist(this: Pass) -> Outcome:
    published = this.row.observed.published
    if published is not None:
        this.world.storage.write_playlist(this.row.wish.video_id, stable_playlist(published))
    return Outcome(this.row, Next.SOON)


def _fail(failure: Failure, this: Pass, attempt: AttemptChange | None = None) -> Outcome:
    after = replace(this.entering(Phase.ERRORED, Reason.FAILED, failure.message[:1024]), failure=failure)
    if attempt is None and this.row.observed.phase is Phase.PROCESSING:
        attempt = _settle_failed(failure, this)
    return this.commit(after, attempt=attempt)
