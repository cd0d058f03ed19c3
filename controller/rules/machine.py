"""Chooses the next step from a row, its situation and a snapshot. Pure; time enters as `now`.

situation.py computes the situation and loop/look.py takes the snapshot; actions/index.py carries out the step;
domain/schedule.py says how long phases last.
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from controller.rules.deadlines import is_over, waiting_longer_for_file
from controller.rules.multipart import next_for_parts
from controller.rules.situation import (
    Deleted,
    Fetching,
    MultipartUpload,
    NeedlessRetry,
    PauseChange,
    Paused,
    Pending,
    Publishing,
    Relocating,
    Resting,
    Restoring,
    Situation,
    Starting,
    Submitting,
    Transcoding,
    Uploading,
    Withdrawn,
)
from controller.rules.source_fetch import fetching
from controller.rules.steps import (
    AcceptFile,
    AcknowledgeRetry,
    AwaitUpload,
    BeginRelocation,
    BringBack,
    BringBackAgain,
    CopyFiles,
    Expire,
    Fail,
    MarkPlayable,
    NoOp,
    PublishCaptions,
    PublishPoster,
    Purge,
    RejectFile,
    RemoveCopies,
    RemoveFile,
    Republish,
    Retire,
    SetPaused,
    Snapshot,
    StartEdition,
    Step,
    Unpublish,
    Wait,
    Withdraw,
)
from controller.rules.submission import publishing, submitting, transcoding
from domain.failures import Failure, FailureCode
from domain.objects import OutputsProblem, SourceProblem, VerifiedOutputs
from domain.policy import LifecyclePolicy
from domain.records import UNRESOLVED, VideoRow
from domain.retention import is_file_due, is_row_due
from domain.schedule import Timing, retires_at
from domain.stable_playlist import playlist_of
from domain.video import Origin, Phase, Published, Reason, Rejection, SourceFacts, is_misplaced, must_relocate

# Two bad files end an upload: the first may be a slip, the second is not.
REJECTIONS_ALLOWED = 2


def decide(row: VideoRow, situation: Situation, snapshot: Snapshot, now: datetime, policy: LifecyclePolicy) -> Step:
    """Choose the one next step. A step that waits says what hinders it."""
    step = _decide(row, situation, snapshot, now, policy)
    if isinstance(step, Wait):
        step = replace(step, hindrance=snapshot.hindrance)
    if not _is_idle(step, row):
        return step
    if row.has_captions_due:
        return PublishCaptions()
    return PublishPoster() if row.has_poster_due else step


def _is_idle(step: Step, row: VideoRow) -> bool:
    """Return whether the pass would change nothing, so that captions and posters delay neither a deadline nor a job."""
    if isinstance(step, Wait):
        return (step.reason, step.message, step.hindrance) == _shown(row)
    # A resource leaves Kubernetes only once nothing is to be done.
    return isinstance(step, NoOp | Retire)


def _shown(row: VideoRow) -> tuple[object, ...]:
    return row.observed.reason, row.observed.message, row.observed.hindrance


def _decide(  # noqa: PLR0911 - one case for each situation is the point
    row: VideoRow, situation: Situation, snapshot: Snapshot, now: datetime, policy: LifecyclePolicy
) -> Step:
    """Choose the step for a situation: this match is the index of all situations."""
    match situation:
        case Deleted():
            return _deleted(row, snapshot, now, policy.timing)
        case Withdrawn():
            return BringBack()
        case PauseChange():
            return SetPaused(situation.is_paused)
        case Starting():
            return StartEdition(_begins_at(row, snapshot), situation.retry_token, _left_open(row, snapshot))
        case NeedlessRetry():
            return AcknowledgeRetry(situation.retry_token)
        case Pending():
            return AwaitUpload()
        case Uploading():
            return _uploading(row, situation.multipart, snapshot, now, policy.timing)
        case Fetching():
            return fetching(row, snapshot, now, policy.timing)
        case Submitting():
            return submitting(row, snapshot, now, policy)
        case Transcoding():
            return transcoding(row, snapshot, now, policy)
        case Publishing():
            return publishing(row, situation.published, snapshot, now, policy.timing)
        case Restoring():
            return _restoring(row, situation.published, snapshot, now, policy.timing)
        case Relocating():
            return _relocating(row)
        case Resting():
            return _resting(row, now, policy.timing)
        case Paused():
            return NoOp()
        case _:
            assert_never(situation)


def _begins_at(row: VideoRow, snapshot: Snapshot) -> Phase:
    """Start at submission if the verified file is still there. A playable video never waits for another file."""
    verified, original = row.observed.source, snapshot.original
    is_there = verified is not None and original is not None and original.etag == verified.etag
    return Phase.UPLOADED if is_there or row.observed.phase is Phase.READY else Phase.UPLOADING


def _left_open(row: VideoRow, snapshot: Snapshot) -> int | None:
    """Return the attempt on hold that this retry abandons; None if there is none."""
    newest = snapshot.attempts[-1] if snapshot.attempts else None
    if newest is None or newest.state not in UNRESOLVED or row.observed.reason is not Reason.SUBMISSION_HELD:
        return None
    return newest.attempt


def _deleted(row: VideoRow, snapshot: Snapshot, now: datetime, timing: Timing) -> Step:
    since = row.deleted_at or now
    if row.observed.is_playable or not row.observed.is_withdrawn:
        return Unpublish()
    if now >= since + timing.scaled(timing.delete_grace_seconds):
        return Purge()
    # A job that runs on may write later, when no pass looks any more: the audit withdraws that.
    if snapshot.is_readable or not snapshot.is_marked:
        return Withdraw()
    if not row.retired and now >= since + timing.scaled(timing.retire_ready_seconds):
        return Retire()
    return NoOp()


def _resting(row: VideoRow, now: datetime, timing: Timing) -> Step:
    if is_row_due(row, now, timing):
        return Expire()
    if is_file_due(row, now, timing):
        return RemoveFile()
    leaves_at = retires_at(row.observed.phase, row.observed.phase_since, timing)
    is_due = leaves_at is not None and now >= leaves_at
    # An import stays: its owner applied it, and would apply it again.
    return Retire() if is_due and not row.retired and row.desired.origin is Origin.API else NoOp()


def _restoring(row: VideoRow, published: Published, snapshot: Snapshot, now: datetime, timing: Timing) -> Step:
    if snapshot.playlist == playlist_of(row, published):
        return MarkPlayable()
    if snapshot.has_withdrawn:
        return BringBackAgain()
    match snapshot.outputs:
        case VerifiedOutputs():
            return Republish(snapshot.outputs.poster_key)
        case OutputsProblem() if row.observed.phase is Phase.READY:
            return Fail(Failure(FailureCode.OUTPUTS_INVALID, snapshot.outputs.message, row.observed.attempt))
        case _ if must_relocate(row.desired, row.observed):
            return _relocating(row)
        case _:
            return _resting(row, now, timing)


def _relocating(row: VideoRow) -> Step:
    """The owner may change the visibility back at any moment: then what was copied so far is removed again."""
    if not is_misplaced(row.desired, row.observed):
        return RemoveCopies()
    return CopyFiles() if row.observed.is_relocating else BeginRelocation()


def _uploading(
    row: VideoRow, multipart: MultipartUpload | None, snapshot: Snapshot, now: datetime, timing: Timing
) -> Step:
    step: Step | None = next_for_parts(row, multipart, snapshot, now, timing)
    match snapshot.source:
        case SourceFacts():
            return AcceptFile(snapshot.source)
        case _ if step is not None:
            return step
        case SourceProblem() if is_over(row, now):
            return Fail(Failure(snapshot.source.code, snapshot.source.message, attempt=0))
        case SourceProblem():
            step = _rejected(row, snapshot.source)
            if step is not None:
                return step
    if not is_over(row, now):
        return Wait(row.observed.reason, row.observed.message)
    if snapshot.is_incomplete:
        return waiting_longer_for_file(row, now, timing, message="storage gave no answer until the deadline")
    rejected = row.observed.rejected
    if rejected is not None:
        return Fail(Failure(FailureCode(rejected.code), rejected.message, attempt=0))
    return Fail(Failure(FailureCode.UPLOAD_EXPIRED, "no file arrived in time", attempt=0))


def _rejected(row: VideoRow, problem: SourceProblem) -> Step | None:
    """Count a bad version once, and again only if the client confirms it after the rejection was visible."""
    before = row.observed.rejected
    confirmations = row.desired.confirmations
    is_new = before is None or before.version != problem.version
    floor = row.observed.confirmations_floor
    is_first_answer = before is not None and not is_new and before.confirmations == floor < confirmations
    is_confirmed_again = before is not None and not is_new and floor < before.confirmations < confirmations
    if not (is_new or is_first_answer or is_confirmed_again):
        return None
    rejections = row.observed.rejections + (0 if is_first_answer else 1)
    if rejections >= REJECTIONS_ALLOWED:
        return Fail(Failure(problem.code, problem.message, attempt=0))
    rejected = Rejection(problem.code, problem.message, problem.version, confirmations)
    return RejectFile(rejected, rejections)
