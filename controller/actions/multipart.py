"""Doing what is due of files that come in parts: join them, wait longer for them, give them up."""

from dataclasses import replace

from controller.actions.context import Next, Outcome, Pass
from controller.rules.steps import CompleteUpload, ExtendDeadline
from controller.rules.submission import is_over
from domain.errors import UpstreamError
from domain.failures import Failure, FailureCode
from domain.object_keys import original_prefix

_NOT_JOINED = "storage did not join the parts until the deadline"


def complete(step: CompleteUpload, this: Pass) -> Outcome:
    """Make the file of its parts. The next pass looks at it; it may be the API's that was joined."""
    rejected = this.row.observed.rejected
    version = rejected.version if rejected else None
    try:
        this.world.parts.complete(this.row.desired.storage_key, step.upload_id, step.parts, rejected=version)
    except UpstreamError:
        if is_over(this.row, this.now):
            return this.fail(Failure(FailureCode.STORAGE_UNAVAILABLE, _NOT_JOINED, attempt=0))
        raise
    return Outcome(this.row, Next.AT_ONCE)


def extend(step: ExtendDeadline, this: Pass) -> Outcome:
    """Wait longer, for parts are arriving."""
    return this.commit(replace(this.row.observed, deadline_at=step.deadline_at))


def give_up(this: Pass) -> None:
    """Remove the parts of an upload that has failed. What storage keeps of it is found later (multipart_gc.py)."""
    if this.row.upload_id is None:
        return
    try:
        this.world.parts.abort(this.row.desired.storage_key, this.row.upload_id)
    except UpstreamError:
        return


def remove_all(this: Pass) -> None:
    """Remove the parts of everything that was ever opened for a video."""
    for page in this.world.parts.open_uploads(original_prefix(this.row.desired.video_id)):
        for upload in page:
            this.world.parts.abort(upload.key, upload.upload_id)
