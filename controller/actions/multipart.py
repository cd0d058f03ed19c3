"""Carries out the steps of multipart uploads: join the parts, extend the deadline, abort."""

from dataclasses import replace

from controller.actions.context import ReconcileContext, Requeue, Result
from controller.rules.deadlines import is_over, waiting_longer_for_file
from controller.rules.steps import CompleteUpload, ExtendDeadline, Fail
from domain.errors import UpstreamError
from domain.object_keys import original_prefix

_NOT_JOINED = "storage did not join the parts until the deadline"


def complete(step: CompleteUpload, ctx: ReconcileContext) -> Result:
    """Join the parts into one file, which the next pass verifies. The API may have joined them already."""
    rejected = ctx.row.observed.rejected
    version = rejected.version if rejected else None
    try:
        ctx.deps.parts.complete(ctx.row.desired.storage_key, step.upload_id, step.parts, rejected=version)
    except UpstreamError:
        if not is_over(ctx.row, ctx.now):
            raise
        return wait_longer(ctx, _NOT_JOINED)
    return Result(ctx.row, Requeue.NOW)


def extend(step: ExtendDeadline, ctx: ReconcileContext) -> Result:
    """Extend the deadline, since parts are still arriving, or an upstream gives no answer."""
    observed = ctx.row.observed
    return ctx.commit(replace(observed, deadline_at=step.deadline_at), hindrance=observed.hindrance)


def wait_longer(ctx: ReconcileContext, message: str) -> Result:
    """Extend a deadline at which storage failed; at the last one, fail with the message."""
    step = waiting_longer_for_file(ctx.row, ctx.now, ctx.deps.policy.timing, message=message)
    return ctx.fail(step.failure) if isinstance(step, Fail) else extend(step, ctx)


def abort(ctx: ReconcileContext) -> None:
    """Abort the multipart upload of a failed video. If that fails now, multipart_gc.py aborts it later."""
    if ctx.row.upload_id is None:
        return
    try:
        ctx.deps.parts.abort(ctx.row.desired.storage_key, ctx.row.upload_id)
    except UpstreamError:
        return


def abort_all(ctx: ReconcileContext) -> None:
    """Abort every open multipart upload of a video."""
    for page in ctx.deps.parts.open_uploads(original_prefix(ctx.row.desired.video_id)):
        for upload in page:
            ctx.deps.parts.abort(upload.key, upload.upload_id)
