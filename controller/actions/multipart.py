"""Doing what is due of files that come in parts: join them, wait longer for them, give them up."""

from dataclasses import replace

from controller.actions.context import ReconcileContext, Requeue, Result
from controller.rules.steps import CompleteUpload, ExtendDeadline
from controller.rules.submission import is_over
from domain.errors import UpstreamError
from domain.failures import Failure, FailureCode
from domain.object_keys import original_prefix

_NOT_JOINED = "storage did not join the parts until the deadline"


def complete(step: CompleteUpload, ctx: ReconcileContext) -> Result:
    """Make the file of its parts. The next pass looks at it; it may be the API's that was joined."""
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
    """Wait longer, for parts are arriving."""
    return ctx.commit(replace(ctx.row.observed, deadline_at=step.deadline_at))


def abort(ctx: ReconcileContext) -> None:
    """Remove the parts of an upload that has failed. What storage keeps of it is found later (multipart_gc.py)."""
    if ctx.row.upload_id is None:
        return
    try:
        ctx.deps.parts.abort(ctx.row.desired.storage_key, ctx.row.upload_id)
    except UpstreamError:
        return


def abort_all(ctx: ReconcileContext) -> None:
    """Remove the parts of everything that was ever opened for a video."""
    for page in ctx.deps.parts.open_uploads(original_prefix(ctx.row.desired.video_id)):
        for upload in page:
            ctx.deps.parts.abort(upload.key, upload.upload_id)
