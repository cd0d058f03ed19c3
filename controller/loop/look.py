"""Looking: ask each neighbour just what the rules of this phase need. Nothing is changed here.

A neighbour that gives no answer, or refuses one, makes a look blind instead of ending the pass: deadlines
hold all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from controller.dependencies import Dependencies
from controller.rules.machine import must_begin, must_restore
from controller.rules.multipart import plan_of
from controller.rules.steps import AnnotationRequest, Snapshot
from domain.errors import RefusedError, UnavailableError
from domain.failures import FailureCode
from domain.jobs import Job, JobState
from domain.objects import OutputsProblem, SourceProblem, StoredPart, VerifiedOutputs
from domain.records import UNRESOLVED, AttemptRow, VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import Phase, Reason

log = structlog.get_logger(__name__)


def look(row: VideoRow, asked: AnnotationRequest | None, deps: Dependencies) -> Snapshot:
    """Return what this upload's next decision needs. Raises UnavailableError for Postgres, and at rest for anybody:
    whatever a person asked for can wait until its neighbour is back.
    """
    return replace(_look(row, asked, deps), asked=asked)


def _look(row: VideoRow, asked: AnnotationRequest | None, deps: Dependencies) -> Snapshot:
    if row.desired.deleted:
        return _at_the_playlist(row, deps)
    if asked.is_paused if asked is not None else row.observed.is_paused:
        return Snapshot()
    if must_begin(row, asked):
        attempts = tuple(deps.attempts.since(row.desired.video_id, floor=row.observed.attempt_floor))
        return Snapshot(attempts=attempts, original=deps.storage.head(row.desired.storage_key))
    match row.observed.phase:
        case Phase.UPLOADING:
            return _incomplete_if_unavailable(row, lambda: _at_the_original(row, deps), Snapshot(is_incomplete=True))
        case Phase.UPLOADED:
            return _at_submissions(row, deps)
        case Phase.PROCESSING if row.observed.reason is Reason.PUBLISHING:
            return _incomplete_if_unavailable(row, lambda: _at_the_playlist(row, deps), Snapshot(is_incomplete=True))
        case Phase.PROCESSING:
            return _at_the_job(row, deps)
        case Phase.READY | Phase.ERRORED if must_restore(row):
            return _at_a_restored_video(row, deps)
        case _:
            return Snapshot()


def _at_the_original(row: VideoRow, deps: Dependencies) -> Snapshot:
    key, rejected = row.desired.storage_key, row.observed.rejected
    facts = deps.storage.head(key)
    if facts is None:
        return Snapshot(parts=_parts(row, deps))
    if rejected is not None and rejected.version == facts.version:
        known = SourceProblem(FailureCode(rejected.code), rejected.message, rejected.version)
        return Snapshot(source=known, parts=_parts(row, deps))
    source = deps.storage.verify_source(
        key, facts, declared_bytes=row.desired.declared_bytes, max_bytes=deps.max_file_bytes
    )
    return Snapshot(source=source)


def _parts(row: VideoRow, deps: Dependencies) -> tuple[StoredPart, ...] | None:
    if plan_of(row) is None or row.upload_id is None:
        return None
    return deps.parts.parts(row.desired.storage_key, row.upload_id)


def _at_submissions(row: VideoRow, deps: Dependencies) -> Snapshot:
    attempts = tuple(deps.attempts.since(row.desired.video_id, floor=row.observed.attempt_floor))
    blind = Snapshot(is_incomplete=True, attempts=attempts)
    if attempts and attempts[-1].state in UNRESOLVED:
        claims = deps.claims.of_attempt(row.desired.video_id, attempts[-1].attempt)
        return _incomplete_if_unavailable(row, lambda: _at_a_lost_submission(row, attempts, claims, deps), blind)
    return _incomplete_if_unavailable(
        row, lambda: Snapshot(attempts=attempts, original=deps.storage.head(row.desired.storage_key)), blind
    )


def _at_a_lost_submission(
    row: VideoRow, attempts: tuple[AttemptRow, ...], claims: Sequence[str], deps: Dependencies
) -> Snapshot:
    """Ask for every job that a callback named, then for outputs without a callback."""
    for job_id in claims:
        job = _job(job_id, deps)
        if job is not None:
            return Snapshot(attempts=attempts, job=job)
    return Snapshot(
        attempts=attempts,
        original=deps.storage.head(row.desired.storage_key),
        outputs=_outputs(row, attempts[-1].attempt, None, deps),
    )


def _job(job_id: str, deps: Dependencies) -> Job | None:
    job = deps.transcoder.job(job_id)
    if job is not None:
        deps.on_job(job)
    return job


def _at_the_job(row: VideoRow, deps: Dependencies) -> Snapshot:
    attempts = tuple(deps.attempts.since(row.desired.video_id, floor=row.observed.attempt_floor))
    job_id = row.observed.job_id
    if job_id is None:
        return Snapshot(attempts=attempts)
    blind = Snapshot(is_incomplete=True, attempts=attempts)
    snapshot = _incomplete_if_unavailable(row, lambda: Snapshot(attempts=attempts, job=_job(job_id, deps)), blind)
    job = snapshot.job
    if job is None or job.state is not JobState.COMPLETED:
        return snapshot
    return _incomplete_if_unavailable(
        row,
        lambda: Snapshot(
            attempts=attempts,
            job=job,
            original=deps.storage.head(row.desired.storage_key),
            outputs=_outputs(row, row.observed.attempt, deps.transcoder.input_seconds(job_id), deps),
        ),
        Snapshot(is_incomplete=True, attempts=attempts, job=job),
    )


def _outputs(
    row: VideoRow, attempt: int, input_seconds: float | None, deps: Dependencies
) -> VerifiedOutputs | OutputsProblem:
    return deps.storage.verify_outputs(row.desired.video_id, attempt, input_seconds=input_seconds)


def _at_the_playlist(row: VideoRow, deps: Dependencies) -> Snapshot:
    return Snapshot(playlist=deps.storage.read_playlist(row.desired.video_id))


def _at_a_restored_video(row: VideoRow, deps: Dependencies) -> Snapshot:
    snapshot, published = _at_the_playlist(row, deps), row.observed.published
    if published is None or snapshot.playlist == stable_playlist(published):
        return snapshot
    return replace(snapshot, outputs=_outputs(row, published.attempt, published.duration_seconds, deps))


def _incomplete_if_unavailable(row: VideoRow, ask: Callable[[], Snapshot], blind: Snapshot) -> Snapshot:
    try:
        return ask()
    except (UnavailableError, RefusedError) as error:
        log.warning("gave_no_answer", video=row.desired.video_id, why=str(error))
        return blind
