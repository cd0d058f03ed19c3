"""Carries out steps: one effect for each step, and the observation that follows from it. This match is the index.

rules/machine.py decides which step is next. A process may die at any line of an effect: what it committed before is
enough for the next pass to continue. submission.py holds what costs money, publication.py what viewers see,
lifecycle.py what people request, captions.py and posters.py what accompanies the stream, relocation.py what moves when
its visibility changes, multipart.py the files that arrive in parts, source_fetch.py those that are fetched from a URL.
"""

from dataclasses import replace
from typing import assert_never

import structlog

from controller.actions import (
    captions,
    lifecycle,
    multipart,
    posters,
    publication,
    relocation,
    source_fetch,
    submission,
)
from controller.actions.context import ReconcileContext, Requeue, Result
from controller.rules.deadlines import is_over
from controller.rules.steps import (
    AbandonAttempt,
    AcceptFile,
    AcknowledgeRetry,
    AdoptJob,
    AwaitUpload,
    BeginRelocation,
    BringBack,
    BringBackAgain,
    CompleteUpload,
    CopyFiles,
    Expire,
    ExtendDeadline,
    Fail,
    FailAttempt,
    FetchSource,
    Finish,
    MarkPlayable,
    NoOp,
    Publish,
    PublishCaptions,
    PublishPoster,
    Purge,
    RejectFile,
    RemoveCopies,
    RemoveFile,
    Republish,
    RestoreAttempt,
    Retire,
    SetPaused,
    ShowProgress,
    StartEdition,
    Step,
    Submit,
    Unpublish,
    Wait,
    Withdraw,
    WritePlaylist,
)
from controller.rules.submission import NEXT_SUBMISSION
from domain.errors import UnavailableError, UpstreamError
from domain.failures import FailureCode
from domain.object_keys import kept_original_key
from domain.video import FILE_NOT_ARRIVED, Origin, Phase, Reason, SourceFacts

log = structlog.get_logger(__name__)

# These act on storage or remove the row: an unchanged row does not mean that they did nothing.
_WITHOUT_ROW_CHANGE = (
    CompleteUpload,
    WritePlaylist,
    Republish,
    Withdraw,
    BringBack,
    CopyFiles,
    RemoveCopies,
    RemoveFile,
    Purge,
)

_NOT_COPIED = "storage did not copy the file until the deadline"


def do(step: Step, ctx: ReconcileContext) -> Result:
    """Carry out one step. Raises UnavailableError, RefusedError: the effect may or may not have happened."""
    name = type(step).__name__
    outcome = _do(step, replace(ctx, deps=ctx.deps.for_step(ctx.deps, name)))
    is_taken = outcome.row is not ctx.row or isinstance(step, _WITHOUT_ROW_CHANGE)
    return replace(outcome, step=name) if is_taken else outcome


def _do(step: Step, ctx: ReconcileContext) -> Result:  # noqa: PLR0911, PLR0912, PLR0915 - one case for each step
    match step:
        case NoOp():
            return Result(ctx.row, Requeue.SCHEDULED)
        case Wait():
            return _wait(step, ctx)
        case SetPaused():
            return lifecycle.set_paused(step, ctx)
        case AcknowledgeRetry():
            return lifecycle.acknowledge_retry(step, ctx)
        case StartEdition():
            return lifecycle.start_edition(step, ctx)
        case Retire():
            return lifecycle.retire(ctx)
        case RemoveFile():
            return lifecycle.remove_file(ctx)
        case Expire():
            return lifecycle.expire(ctx)
        case Purge():
            return lifecycle.purge(ctx)
        case AwaitUpload():
            return ctx.commit(ctx.entering(Phase.UPLOADING, Reason.WAITING_FOR_FILE, FILE_NOT_ARRIVED), Requeue.NOW)
        case CompleteUpload():
            return multipart.complete(step, ctx)
        case FetchSource():
            return source_fetch.request(step, ctx)
        case ExtendDeadline():
            return multipart.extend(step, ctx)
        case AcceptFile():
            return _accept(step, ctx)
        case RejectFile():
            return _reject(step, ctx)
        case Submit():
            return submission.submit(step, ctx)
        case RestoreAttempt():
            return submission.restore_attempt(step, ctx)
        case AdoptJob():
            return submission.adopt(step, ctx)
        case AbandonAttempt():
            return submission.abandon(step, ctx)
        case FailAttempt():
            return submission.fail_attempt(step, ctx)
        case ShowProgress():
            after = replace(ctx.row.observed, progress_percent=step.percent, progress_at=ctx.now)
            return ctx.commit(after)
        case Publish():
            return publication.publish(step, ctx)
        case PublishCaptions():
            return captions.publish(ctx)
        case PublishPoster():
            return posters.publish(ctx)
        case WritePlaylist():
            return publication.write_playlist(ctx)
        case Finish():
            return publication.finish(ctx)
        case Unpublish():
            return publication.unpublish(ctx)
        case Withdraw():
            return publication.withdraw(ctx)
        case BringBack():
            return publication.bring_back(ctx)
        case BringBackAgain():
            return publication.bring_back_again(ctx)
        case Republish():
            return publication.republish(step, ctx)
        case MarkPlayable():
            return publication.mark_playable(ctx)
        case BeginRelocation():
            return relocation.begin(ctx)
        case CopyFiles():
            return relocation.copy_files(ctx)
        case RemoveCopies():
            return relocation.remove_copies(ctx)
        case Fail():
            if ctx.row.observed.phase is Phase.UPLOADING:
                multipart.abort(ctx)
                _remove_unusable(step, ctx)
            return ctx.fail(step.failure, billed_minutes=step.billed_minutes)
        case _:
            assert_never(step)


def _wait(step: Wait, ctx: ReconcileContext) -> Result:
    observed = ctx.row.observed
    if (step.reason, step.message, step.hindrance) == (observed.reason, observed.message, observed.hindrance):
        return Result(ctx.row, Requeue.SCHEDULED)
    return ctx.commit(ctx.showing(step.reason, step.message), hindrance=step.hindrance)


def _accept(step: AcceptFile, ctx: ReconcileContext) -> Result:
    """Accept the file that was judged: of an upload its copy, made on condition that the file is still the same.

    A pass that is killed in between is followed by one that finds the copy by the upload's version and judges it.
    """
    source = step.source
    if source.key is None and ctx.row.desired.origin is Origin.API:
        try:
            source = _copied(source, ctx)
        except UpstreamError:
            if not is_over(ctx.row, ctx.now):
                raise
            return multipart.wait_longer(ctx, _NOT_COPIED)
    after = ctx.entering(Phase.UPLOADED, Reason.WAITING_FOR_SUBMISSION, NEXT_SUBMISSION)
    # An edition requested meanwhile needs no work of its own: nothing has been paid for yet.
    accepted = replace(after, source=source, rejected=None, edition=ctx.row.desired.edition)
    return ctx.commit(accepted, Requeue.NOW)


def _copied(source: SourceFacts, ctx: ReconcileContext) -> SourceFacts:
    """Copy an upload to where no client can write, and return the copy's facts: it can have another ETag.

    Raises UpstreamError, also if the file was replaced meanwhile.
    """
    desired = ctx.row.desired
    key = kept_original_key(desired.video_id, desired.storage_key, source.version)
    ctx.deps.storage.keep_original(desired.storage_key, key, etag=source.etag, file_bytes=source.file_bytes)
    kept = ctx.deps.storage.head(key)
    if kept is None:
        raise UnavailableError("copying the original: the copy is gone")
    return replace(source, key=key, etag=kept.etag, last_modified=kept.last_modified)


def _remove_unusable(step: Fail, ctx: ReconcileContext) -> None:
    """Remove an original that is too large to use, since storing it costs money, and one that a retry fetches again.

    An import's file is not ours to remove.
    """
    is_fetched = ctx.row.source_url is not None
    is_unusable = is_fetched or step.failure.code is FailureCode.FILE_TOO_LARGE
    if not is_unusable or ctx.row.desired.origin is not Origin.API:
        return
    try:
        ctx.deps.storage.remove_original(ctx.row.desired.storage_key)
    except UpstreamError as error:
        # The purge of the video removes it later; the upload has failed in any case.
        log.warning("original_deletion_failed", video_id=ctx.row.desired.video_id, error=str(error))


def _reject(step: RejectFile, ctx: ReconcileContext) -> Result:
    after = ctx.showing(Reason.FILE_REJECTED, step.rejected.message)
    return ctx.commit(replace(after, rejected=step.rejected, rejections=step.rejections))
