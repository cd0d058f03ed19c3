"""Carries out what people request (pause, retry, delete) and how an upload ends (retire, expire, purge)."""

from dataclasses import replace

from controller.actions import multipart
from controller.actions.context import ReconcileContext, Requeue, Result
from controller.rules.steps import AcknowledgeRetry, SetPaused, StartEdition
from controller.rules.submission import NEXT_SUBMISSION
from domain.records import AttemptState, Settle
from domain.schedule import deadline_at
from domain.video import FILE_NOT_ARRIVED, Phase, Reason, UploadMode

# Removing a file is a request of a few milliseconds, and a pass must end within the shutdown grace period.
_FILES_IN_A_PASS = 200
_FILE_REMOVED = "the file was removed: the upload failed a while ago and was not retried"


def set_paused(step: SetPaused, ctx: ReconcileContext) -> Result:
    """Pause or resume the upload. A resumed one gets its full deadline again, since it did not cause the pause."""
    observed = ctx.row.observed
    ends_at = observed.deadline_at if step.is_paused else deadline_at(observed.phase, ctx.now, ctx.deps.policy.timing)
    return ctx.commit(replace(observed, is_paused=step.is_paused, deadline_at=ends_at), Requeue.NOW)


def acknowledge_retry(step: AcknowledgeRetry, ctx: ReconcileContext) -> Result:
    """Acknowledge a retry of an upload that has not failed."""
    noted = replace(ctx.row.observed, retries=ctx.row.desired.retries, retry_token=step.retry_token)
    return ctx.commit(noted, Requeue.NOW)


def start_edition(step: StartEdition, ctx: ReconcileContext) -> Result:
    """Start the newest edition, or a retry of it: earlier attempts no longer count against its limit."""
    if step.phase is Phase.UPLOADED:
        after = ctx.entering(Phase.UPLOADED, Reason.WAITING_FOR_SUBMISSION, NEXT_SUBMISSION)
    else:
        after = replace(ctx.entering(Phase.UPLOADING, Reason.WAITING_FOR_FILE, FILE_NOT_ARRIVED), source=None)
    after = replace(
        after,
        edition=ctx.row.desired.edition,
        retries=ctx.row.desired.retries,
        retry_token=step.retry_token,
        attempt_floor=after.attempt,
        confirmations_floor=ctx.row.desired.confirmations,
        rejections=0,
        rejected=None,
    )
    abandoned = None if step.abandons is None else Settle(step.abandons, AttemptState.ABANDONED, ctx.now)
    return ctx.commit(after, Requeue.NOW, abandoned)


def retire(ctx: ReconcileContext) -> Result:
    """Mark the row as retired: its resource is removed from now on."""
    row = ctx.deps.retention.retire(ctx.row)
    return Result(ctx.row, Requeue.BACKOFF) if row is None else Result(row, Requeue.SCHEDULED)


def remove_file(ctx: ReconcileContext) -> Result:
    """Remove what was sent of a failed upload, some in each pass, then record it.

    Only what was there when the pass began: a retry may have sent another file before a delayed process gets here.
    """
    video_id = ctx.row.desired.video_id
    if not ctx.deps.storage.remove_originals(video_id, before=ctx.now, at_most=_FILES_IN_A_PASS):
        return Result(ctx.row, Requeue.NOW)
    return ctx.commit(replace(ctx.showing(Reason.FILE_REMOVED, _FILE_REMOVED), source=None))


def expire(ctx: ReconcileContext) -> Result:
    """Delete a failed upload. It can be restored like any other deleted video, and is purged if it is not."""
    timing = ctx.deps.policy.timing
    row = ctx.deps.retention.expire(ctx.row, after=timing.scaled(timing.errored_row_seconds))
    return Result(ctx.row, Requeue.BACKOFF) if row is None else Result(row, Requeue.NOW)


def purge(ctx: ReconcileContext) -> Result:
    """Remove the video's files, some in each pass, then its row. The next pass finds no row and ends.

    First no restore is possible any more: its window ends by Postgres' clock, and the purge begins by ours.
    """
    timing = ctx.deps.policy.timing
    if ctx.deps.retention.begin_purge(ctx.row, grace=timing.scaled(timing.delete_grace_seconds)) is None:
        return Result(ctx.row, Requeue.NOW)
    if ctx.row.desired.upload_mode is UploadMode.MULTIPART or ctx.row.source_url is not None:
        multipart.abort_all(ctx)
    if ctx.deps.storage.remove_video(ctx.row.desired.video_id, at_most=_FILES_IN_A_PASS):
        ctx.deps.retention.purge(ctx.row)
    return Result(ctx.row, Requeue.NOW)
