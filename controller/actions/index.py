"""Doing: one effect for each step, and the observation that follows from it. This match is the index.

Which step is right is decided in machine.py. Every effect may be cut off at any line: what was committed before is
enough for the next pass to go on. What costs money is in submission.py, what viewers see in publication.py, what
people ask for in lifecycle.py, files in parts in multipart.py.
"""

from dataclasses import replace
from typing import assert_never

import structlog

from controller.actions import lifecycle, multipart, publication, submission
from controller.actions.context import Next, Outcome, Pass
from controller.rules.machine import NOT_YET
from controller.rules.steps import (
    AbandonAttempt,
    AcceptFile,
    AdoptJob,
    Begin,
    CompleteUpload,
    ExtendDeadline,
    Fail,
    FailAttempt,
    Finish,
    MarkPlayable,
    NoteRetry,
    OfferUpload,
    Publish,
    Purge,
    RejectFile,
    Republish,
    Rest,
    Retire,
    SetPaused,
    ShowProgress,
    Step,
    Submit,
    Unpublish,
    Wait,
    WritePlaylist,
)
from controller.rules.submission import NEXT_SUBMISSION
from domain.errors import UpstreamError
from domain.failures import FailureCode
from domain.video import Origin, Phase, Reason

log = structlog.get_logger(__name__)

# Their effect is in storage, or the row itself is gone: the same row does not mean that nothing was done.
_LEAVE_THE_ROW = (CompleteUpload, WritePlaylist, Republish, Purge)


def do(step: Step, this: Pass) -> Outcome:
    """Carry out one step. Raises UnavailableError, RefusedError; then nothing is known to have happened."""
    name = type(step).__name__
    outcome = _do(step, replace(this, world=this.world.for_step(this.world, name)))
    is_taken = outcome.row is not this.row or isinstance(step, _LEAVE_THE_ROW)
    return replace(outcome, step=name) if is_taken else outcome


def _do(step: Step, this: Pass) -> Outcome:  # noqa: PLR0911, PLR0912 - one case for each step is the point
    match step:
        case Rest():
            return Outcome(this.row, Next.AT_CHECK)
        case Wait():
            return _wait(step, this)
        case SetPaused():
            return lifecycle.set_paused(step, this)
        case NoteRetry():
            return lifecycle.note_retry(step, this)
        case Begin():
            return lifecycle.begin(step, this)
        case Retire():
            return lifecycle.retire(this)
        case Purge():
            return lifecycle.purge(this)
        case OfferUpload():
            return this.commit(this.entering(Phase.UPLOADING, Reason.WAITING_FOR_FILE, NOT_YET), Next.AT_ONCE)
        case CompleteUpload():
            return multipart.complete(step, this)
        case ExtendDeadline():
            return multipart.extend(step, this)
        case AcceptFile():
            return _accept(step, this)
        case RejectFile():
            return _reject(step, this)
        case Submit():
            return submission.submit(step, this)
        case AdoptJob():
            return submission.adopt(step, this)
        case AbandonAttempt():
            return submission.abandon(step, this)
        case FailAttempt():
            return submission.fail_attempt(step, this)
        case ShowProgress():
            shown = replace(this.row.observed, progress_percent=step.percent, progress_at=this.now)
            return this.commit(shown)
        case Publish():
            return publication.publish(step, this)
        case WritePlaylist():
            return publication.write_playlist(this)
        case Finish():
            return publication.finish(this)
        case Unpublish():
            return publication.unpublish(this)
        case Republish():
            return publication.republish(step, this)
        case MarkPlayable():
            return this.commit(replace(this.row.observed, is_playable=True))
        case Fail():
            if this.row.observed.phase is Phase.UPLOADING:
                multipart.give_up(this)
                _remove_too_large(step, this)
            return this.fail(step.failure)
        case _:
            assert_never(step)


def _wait(step: Wait, this: Pass) -> Outcome:
    if (step.reason, step.message) == (this.row.observed.reason, this.row.observed.message):
        return Outcome(this.row, Next.AT_CHECK)
    return this.commit(this.showing(step.reason, step.message))


def _accept(step: AcceptFile, this: Pass) -> Outcome:
    after = this.entering(Phase.UPLOADED, Reason.WAITING_FOR_SUBMISSION, NEXT_SUBMISSION)
    # An edition asked for meanwhile is this one: nothing was paid for yet.
    accepted = replace(after, source=step.source, rejected=None, edition=this.row.desired.edition)
    return this.commit(accepted, Next.AT_ONCE)


def _remove_too_large(step: Fail, this: Pass) -> None:
    """Keep no file that costs most of all and of which nothing can follow. An import's belongs to others."""
    if step.failure.code is not FailureCode.FILE_TOO_LARGE or this.row.desired.origin is not Origin.API:
        return
    try:
        this.world.storage.remove_original(this.row.desired.storage_key)
    except UpstreamError as error:
        # It goes with the video; the upload has failed whatever storage says.
        log.warning("original_kept", why=str(error))


def _reject(step: RejectFile, this: Pass) -> Outcome:
    shown = this.showing(Reason.FILE_REJECTED, step.rejected.message)
    return this.commit(replace(shown, rejected=step.rejected, rejections=step.rejections))
