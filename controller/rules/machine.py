"""The rules: from one observation and one look to the next step. Pure; time enters as `now`.

What is looked at is in look.py, what a step does in index.py, how long phases last in domain/schedule.py.
"""

from datetime import datetime
from typing import assert_never

from controller.rules.multipart import next_for_parts
from controller.rules.steps import (
    AcceptFile,
    AcknowledgeRetry,
    AnnotationRequest,
    AwaitUpload,
    Fail,
    MarkPlayable,
    NoOp,
    Purge,
    RejectFile,
    Republish,
    Retire,
    SetPaused,
    Snapshot,
    StartEdition,
    Step,
    Unpublish,
    Wait,
)
from controller.rules.submission import is_over, processing, uploaded
from domain.failures import Failure, FailureCode
from domain.objects import OutputsProblem, SourceProblem, VerifiedOutputs
from domain.policy import LifecyclePolicy
from domain.records import UNRESOLVED, VideoRow
from domain.schedule import Timing, retires_at
from domain.stable_playlist import stable_playlist
from domain.video import Origin, Phase, Reason, Rejection, SourceFacts, is_retryable

# Two bad files end an upload: the first may be a slip, the second is what the person has.
REJECTIONS_ALLOWED = 2


def decide(row: VideoRow, snapshot: Snapshot, now: datetime, rules: LifecyclePolicy) -> Step:
    """Choose the one next step: what people ask for first, then by phase. This match is the index of all phases."""
    if row.desired.deleted:
        return _deleted(row, snapshot, now, rules.timing)
    asked_for = _asked_for(row, snapshot)
    if asked_for is not None:
        return asked_for
    match row.observed.phase:
        case Phase.PENDING:
            return AwaitUpload()
        case Phase.UPLOADING:
            return _uploading(row, snapshot, now, rules.timing)
        case Phase.UPLOADED:
            return uploaded(row, snapshot, now, rules)
        case Phase.PROCESSING:
            return processing(row, snapshot, now, rules)
        case Phase.READY | Phase.ERRORED:
            return _at_rest(row, snapshot, now, rules.timing)
        case _:
            assert_never(row.observed.phase)


def _asked_for(row: VideoRow, snapshot: Snapshot) -> Step | None:
    observed = row.observed
    if snapshot.asked is not None and snapshot.asked.is_paused != observed.is_paused:
        return SetPaused(snapshot.asked.is_paused)
    if observed.is_paused:
        return NoOp()
    if must_begin(row, snapshot.asked):
        return StartEdition(_begins_at(row, snapshot), _token(row, snapshot.asked), _left_open(row, snapshot))
    if _wants_retry(row, snapshot.asked):
        return AcknowledgeRetry(_token(row, snapshot.asked))
    return None


def must_begin(row: VideoRow, asked: AnnotationRequest | None) -> bool:
    """Tell whether a new edition or a retry was asked for that can begin now. A retry of what did not fail is none."""
    if row.desired.deleted or row.observed.is_paused:
        return False
    wants_edition = row.desired.edition > row.observed.edition
    if is_retryable(row.observed):
        return wants_edition or _wants_retry(row, asked)
    return wants_edition and row.observed.phase is Phase.READY


def _wants_retry(row: VideoRow, asked: AnnotationRequest | None) -> bool:
    return row.desired.retries > row.observed.retries or _token(row, asked) != row.observed.retry_token


def _token(row: VideoRow, asked: AnnotationRequest | None) -> str | None:
    """Return the newest request by annotation; one that was removed leaves the last one taken up."""
    newest = asked.retry_token if asked is not None else None
    return newest or row.observed.retry_token


def _begins_at(row: VideoRow, snapshot: Snapshot) -> Phase:
    """Begin where money is spent if the verified file is still there. A playable video never waits for another one."""
    verified, original = row.observed.source, snapshot.original
    is_there = verified is not None and original is not None and original.etag == verified.etag
    return Phase.UPLOADED if is_there or row.observed.phase is Phase.READY else Phase.UPLOADING


def _left_open(row: VideoRow, snapshot: Snapshot) -> int | None:
    """Return the held submission that this retry gives up."""
    newest = snapshot.attempts[-1] if snapshot.attempts else None
    is_held = row.observed.reason is Reason.SUBMISSION_HELD and newest is not None and newest.state in UNRESOLVED
    return newest.attempt if newest is not None and is_held else None


def _deleted(row: VideoRow, snapshot: Snapshot, now: datetime, timing: Timing) -> Step:
    since = row.deleted_at or now
    if row.observed.is_playable or snapshot.playlist is not None:
        return Unpublish()
    if now >= since + timing.scaled(timing.delete_grace_seconds):
        return Purge()
    if not row.retired and now >= since + timing.scaled(timing.retire_ready_seconds):
        return Retire()
    return NoOp()


def _at_rest(row: VideoRow, snapshot: Snapshot, now: datetime, timing: Timing) -> Step:
    if must_restore(row):
        return _restored(row, snapshot)
    leaves_at = retires_at(row.observed.phase, row.observed.phase_since, timing)
    is_due = leaves_at is not None and now >= leaves_at
    # An import belongs to whoever applied it, who would apply it again.
    return Retire() if is_due and not row.retired and row.desired.origin is Origin.API else NoOp()


def must_restore(row: VideoRow) -> bool:
    """Tell whether stable files are on record that a deletion removed."""
    return row.observed.published is not None and not row.observed.is_playable


def _restored(row: VideoRow, snapshot: Snapshot) -> Step:
    published = row.observed.published
    if published is not None and snapshot.playlist == stable_playlist(published):
        return MarkPlayable()
    match snapshot.outputs:
        case VerifiedOutputs():
            return Republish(snapshot.outputs.poster_key)
        case OutputsProblem() if row.observed.phase is Phase.READY:
            return Fail(Failure(FailureCode.OUTPUTS_INVALID, snapshot.outputs.message, row.observed.attempt))
        case _:
            return NoOp()


def _uploading(row: VideoRow, snapshot: Snapshot, now: datetime, timing: Timing) -> Step:
    step: Step | None = next_for_parts(row, snapshot, now, timing)
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
        return Fail(Failure(FailureCode.STORAGE_UNAVAILABLE, "storage gave no answer until the deadline", attempt=0))
    rejected = row.observed.rejected
    if rejected is not None:
        return Fail(Failure(FailureCode(rejected.code), rejected.message, attempt=0))
    return Fail(Failure(FailureCode.UPLOAD_EXPIRED, "no file arrived in time", attempt=0))


def _rejected(row: VideoRow, problem: SourceProblem) -> Step | None:
    """Count a bad version once; the same version again only when the client insists after being told."""
    before = row.observed.rejected
    confirmations = row.desired.confirmations
    is_new = before is None or before.version != problem.version
    floor = row.observed.confirmations_floor
    is_told_now = before is not None and not is_new and before.confirmations == floor < confirmations
    is_insisted = before is not None and not is_new and floor < before.confirmations < confirmations
    if not (is_new or is_told_now or is_insisted):
        return None
    rejections = row.observed.rejections + (0 if is_told_now else 1)
    if rejections >= REJECTIONS_ALLOWED:
        return Fail(Failure(problem.code, problem.message, attempt=0))
    rejected = Rejection(problem.code, problem.message, problem.version, confirmations)
    return RejectFile(rejected, rejections)
