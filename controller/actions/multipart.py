"""Carries out the steps of multipart uploads: join the parts, extend the deadline, abort."""

from dataclasses import replace

from controller.actions.context import ReconcileContext, Requeue, Result
from controller.rules.steps import CompleteUpload, ExtendDeadline
from controller.rules.submission import is_over
from domain.errors import UpstreamError
from domain.failures import Failure, FailureCode
from domain.object_keys import original_prefix

_NOT_JOINED = "storage did not join the parts until the deadline"


def complete(step: CompleteUpload, ctx: ReconcileContext) -> Result:
    """Join the parts into one file, which the next pass verifies. The API may have joined them already."""
    rejected = ctx.row.observed.rejected
    version = rejected.version if rejected else None
    try:
        ctx.deps.parts.complete(ctx.row.desired.storage_key, step.upload_id, step.parts, rejected=version)
    except UpstreamError:
        if is_over(ctx.row, ctx.now):
            return ctx.fail(Failure(FailureCode.STORAGE_UNAVAILABLE, _NOT_JOINED, attempt=0))
        raise
    return Result(ctx.row, Requeue.NOW)


def extend(step: ExtendDeadline, ctx: ReconcileContext) -> Result:
    """Extend the deadline, since parts are still arriving, or an upstream gives no answer."""
    observed = ctx.row.observed
    return ctx.commit(replace(observed, deadline_at=step.deadline_at), hindrance=observed.hindrance)


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
