"""Doing what people ask for: pause, try again, leave Kubernetes, be gone."""

from dataclasses import replace

from controller.actions import multipart
from controller.actions.context import Next, Outcome, Pass
from controller.rules.machine import NOT_YET
from controller.rules.steps import Begin, NoteRetry, SetPaused
from controller.rules.submission import NEXT_SUBMISSION
from domain.records import AttemptState, Settle
from domain.schedule import deadline_at
from domain.video import Phase, Reason, UploadMode

# Each is a request of a few milliseconds, and a pass must end within the shutdown grace.
_FILES_IN_A_PASS = 200


def set_paused(step: SetPaused, this: Pass) -> Outcome:
    """Hold the upload, or let it go on: then its deadline begins anew, for the pause was not its fault."""
    observed = this.row.observed
    ends_at = observed.deadline_at if step.is_paused else deadline_at(observed.phase, this.now, this.world.rules.timing)
    return this.commit(replace(observed, is_paused=step.is_paused, deadline_at=ends_at), Next.AT_ONCE)


def note_retry(step: NoteRetry, this: Pass) -> Outcome:
    """Acknowledge a retry that has nothing to do."""
    noted = replace(this.row.observed, retries=this.row.desired.retries, retry_token=step.retry_token)
    return this.commit(noted, Next.AT_ONCE)


def begin(step: Begin, this: Pass) -> Outcome:
    """Start over, for the newest edition: what was paid for before no longer counts against it."""
    if step.phase is Phase.UPLOADED:
        after = this.entering(Phase.UPLOADED, Reason.WAITING_FOR_SUBMISSION, NEXT_SUBMISSION)
    else:
        after = replace(this.entering(Phase.UPLOADING, Reason.WAITING_FOR_FILE, NOT_YET), source=None)
    after = replace(
        after,
        edition=this.row.desired.edition,
        retries=this.row.desired.retries,
        retry_token=step.retry_token,
        attempt_floor=after.attempt,
        confirmations_floor=this.row.desired.confirmations,
        rejections=0,
        rejected=None,
    )
    given_up = None if step.abandons is None else Settle(step.abandons, AttemptState.ABANDONED, this.now)
    return this.commit(after, Next.AT_ONCE, given_up)


def retire(this: Pass) -> Outcome:
    """Mark the row: from now on its resource is to be gone."""
    row = this.world.endings.retire(this.row)
    return Outcome(this.row, Next.SOON) if row is None else Outcome(row, Next.AT_CHECK)


def purge(this: Pass) -> Outcome:
    """Remove the video's files, some in each pass, then its row. The pass after that finds nothing and ends."""
    if this.row.desired.upload_mode is UploadMode.MULTIPART:
        multipart.remove_all(this)
    if this.world.storage.remove_video(this.row.desired.video_id, at_most=_FILES_IN_A_PASS):
        this.world.endings.purge(this.row)
    return Outcome(this.row, Next.AT_ONCE)
