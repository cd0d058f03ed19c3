"""Reads from the upstreams just what the rules of a situation need. Changes nothing.

Where a deadline runs, an upstream that is unavailable or refuses makes the snapshot incomplete instead of ending
the pass, so that the deadline holds all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import assert_never

import structlog

from controller.actions.submission import find_used_attempt
from controller.dependencies import Dependencies
from controller.rules.deadlines import is_over
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
from controller.rules.steps import Snapshot
from controller.rules.submission import ends_without_another
from domain.errors import RefusedError, UnavailableError
from domain.failures import FailureCode
from domain.jobs import Job, JobState
from domain.object_keys import kept_original_key
from domain.objects import ExpectedExtras, ObjectFacts, OutputsProblem, SourceProblem, StoredPart, VerifiedOutputs
from domain.records import UNRESOLVED, AttemptRow, AttemptState, VideoRow
from domain.schedule import awaits_first_check
from domain.stable_playlist import playlist_of
from domain.video import Hindrance, Origin, Published, SourceFacts
from runtime.upstream_breaker import UpstreamHealth

log = structlog.get_logger(__name__)

_HINDRANCES = {UpstreamHealth.AWAY: Hindrance.STORAGE_AWAY, UpstreamHealth.REFUSES_KEY: Hindrance.STORAGE_REFUSES_KEY}

_UNANSWERED = frozenset({AttemptState.UNCERTAIN, AttemptState.ABANDONED})


def look(
    row: VideoRow, situation: Situation, deps: Dependencies, now: datetime, *, is_unseen: bool = False
) -> Snapshot:
    """Return what the next decision needs. Raises UnavailableError, RefusedError.

    ``is_unseen``: no resource shows the row, which may be from an older dump.

    An upstream that fails raises where the step can wait for it: for Postgres always, and for the others while the
    video is deleted, starts again or is restored.
    """
    match situation:
        case Deleted():
            return _deleted_video(row, deps)
        case Starting():
            return Snapshot(attempts=_attempts(row, deps), original=deps.storage.head(row.original_key))
        case Uploading() if awaits_first_check(row.desired, row.observed, now, deps.policy.timing):
            # The confirmation changes the row, so a copy made now could not be committed.
            return Snapshot()
        case Uploading():
            return _incomplete_if_unavailable(
                row,
                deps,
                lambda: _original(row, situation.multipart, deps, may_be_kept=is_unseen or is_over(row, now)),
                Snapshot(is_incomplete=True),
            )
        case Fetching():
            # A fetch looks for the file itself before it begins.
            is_due = row.current_fetch.is_stored or is_unseen or is_over(row, now)
            return _incomplete_if_unavailable(
                row,
                deps,
                lambda: _original(row, None, deps, may_be_kept=True) if is_due else Snapshot(),
                Snapshot(is_incomplete=True),
            )
        case Submitting():
            return _submissions(row, deps, now)
        case Transcoding():
            return _running_job(row, deps)
        case Publishing():
            return _incomplete_if_unavailable(row, deps, lambda: _playlist(row, deps), Snapshot(is_incomplete=True))
        case Restoring():
            return _restored_video(row, situation.published, deps)
        case Withdrawn() | PauseChange() | Paused() | NeedlessRetry() | Pending() | Relocating() | Resting():
            return Snapshot()
        case _:
            assert_never(situation)


def _deleted_video(row: VideoRow, deps: Dependencies) -> Snapshot:
    marked = deps.storage.marks(row.desired.video_id).deleted_revision
    is_marked = marked is not None and marked >= row.desired.revision
    return Snapshot(is_readable=deps.storage.is_readable(row.desired.video_id), is_marked=is_marked)


def _original(row: VideoRow, multipart: MultipartUpload | None, deps: Dependencies, *, may_be_kept: bool) -> Snapshot:
    key, rejected = row.desired.storage_key, row.observed.rejected
    facts = deps.storage.head(key)
    verify = partial(
        deps.storage.verify_source,
        declared_bytes=row.desired.declared_bytes,
        max_bytes=deps.max_file_bytes,
        max_seconds=deps.policy.spending.duration_seconds,
    )
    if facts is None:
        kept_source = _kept_source(row, verify, deps) if may_be_kept and row.desired.origin is Origin.API else None
        return Snapshot(source=kept_source, parts=_parts(row, multipart, deps))
    if rejected is not None and rejected.version == facts.version:
        problem = SourceProblem(FailureCode(rejected.code), rejected.message, rejected.version)
        return Snapshot(source=problem, parts=_parts(row, multipart, deps))
    kept_key = kept_original_key(row.desired.video_id, key, facts.version)
    kept = deps.storage.head(kept_key) if row.desired.origin is Origin.API else None
    if kept is None:
        return Snapshot(source=verify(key, facts))
    source = verify(kept_key, kept)
    if isinstance(source, SourceFacts):
        return Snapshot(source=replace(source, key=kept_key))
    # A bad file is known by the version that was sent.
    return Snapshot(source=replace(source, version=facts.version))


def _kept_source(
    row: VideoRow, verify: Callable[[str, ObjectFacts], SourceFacts | SourceProblem], deps: Dependencies
) -> SourceFacts | None:
    """Return the original that was accepted after the dump from which the row was restored; None if there is none."""
    for kept_key in deps.storage.kept_originals(row.desired.video_id):
        facts = deps.storage.head(kept_key)
        source = None if facts is None else verify(kept_key, facts)
        if isinstance(source, SourceFacts):
            return replace(source, key=kept_key)
    return None


def _parts(row: VideoRow, multipart: MultipartUpload | None, deps: Dependencies) -> tuple[StoredPart, ...] | None:
    return None if multipart is None else deps.parts.parts(row.desired.storage_key, multipart.upload_id)


def _submissions(row: VideoRow, deps: Dependencies, now: datetime) -> Snapshot:
    attempts = _attempts(row, deps)
    partial = Snapshot(attempts=attempts)
    if attempts and attempts[-1].state in _UNANSWERED:
        partial = replace(
            partial,
            accepted_at=deps.attempts.last_accepted_at(),
            accepted_before=deps.attempts.last_accepted_at(before=attempts[-1].intended_at),
        )
    incomplete = replace(partial, is_incomplete=True)
    if attempts and attempts[-1].state in UNRESOLVED:
        claims = deps.claims.of_attempt(row.desired.video_id, attempts[-1].attempt)
        return _incomplete_if_unavailable(row, deps, lambda: _lost_submission(row, partial, claims, deps), incomplete)
    is_last = ends_without_another(row, attempts, now, deps.policy)
    return _incomplete_if_unavailable(
        row,
        deps,
        lambda: replace(
            partial,
            original=deps.storage.head(row.original_key),
            used=find_used_attempt(row, deps.storage.marks(row.desired.video_id), deps) if is_last else None,
        ),
        incomplete,
    )


def _lost_submission(row: VideoRow, partial: Snapshot, claims: Sequence[str], deps: Dependencies) -> Snapshot:
    """Read each job that a callback or the bucket named; if Coconut knows none, look at the outputs."""
    marked = deps.storage.marks(row.desired.video_id).jobs.get(partial.attempts[-1].attempt)
    for job_id in [*claims, *([] if marked is None else [marked])]:
        job = _job(job_id, deps)
        if job is not None:
            return replace(partial, job=job)
    return replace(
        partial,
        original=deps.storage.head(row.original_key),
        outputs=_outputs(row, row.observed.outputs_folder, None, deps),
    )


def _job(job_id: str, deps: Dependencies) -> Job | None:
    job = deps.transcoder.job(job_id)
    if job is not None:
        deps.on_job(job)
    return job


def _running_job(row: VideoRow, deps: Dependencies) -> Snapshot:
    attempts = _attempts(row, deps)
    job_id = row.observed.job_id
    if job_id is None:
        return Snapshot(attempts=attempts)
    incomplete = Snapshot(is_incomplete=True, attempts=attempts)
    snapshot = _incomplete_if_unavailable(
        row, deps, lambda: Snapshot(attempts=attempts, job=_job(job_id, deps)), incomplete
    )
    job = snapshot.job
    if snapshot.is_incomplete:
        return snapshot
    absence = deps.unknown_jobs.record(job_id, is_known=job is not None, now=deps.monotonic())
    if job is None:
        # If most jobs are unknown, that proves nothing about this one: only complete outputs do.
        hindrance = Hindrance.JOBS_UNKNOWN if absence.is_one_of_many else None
        return _incomplete_if_unavailable(
            row,
            deps,
            lambda: Snapshot(
                attempts=attempts,
                original=deps.storage.head(row.original_key),
                outputs=_outputs(row, row.observed.outputs_folder, None, deps),
                is_incomplete=absence.is_one_of_many,
                hindrance=hindrance,
                unknown_looks=absence.looks,
                unknown_seconds=absence.seconds,
            ),
            incomplete,
        )
    if job.state is not JobState.COMPLETED:
        return snapshot
    return _incomplete_if_unavailable(
        row,
        deps,
        lambda: Snapshot(
            attempts=attempts,
            job=job,
            original=deps.storage.head(row.original_key),
            outputs=_outputs(row, row.observed.outputs_folder, deps.transcoder.picture_seconds(job_id), deps),
        ),
        Snapshot(is_incomplete=True, attempts=attempts, job=job),
    )


def _outputs(
    row: VideoRow, folder: str, input_seconds: float | None, deps: Dependencies
) -> VerifiedOutputs | OutputsProblem:
    return deps.storage.verify_outputs(
        row.desired.video_id,
        folder,
        input_seconds=input_seconds,
        extras=ExpectedExtras.of_order(row.observed.ordered),
        is_private=row.observed.is_private,
    )


def _playlist(row: VideoRow, deps: Dependencies) -> Snapshot:
    playlist = deps.storage.read_playlist(row.desired.video_id, is_private=row.observed.is_private)
    return Snapshot(playlist=playlist)


def _restored_video(row: VideoRow, published: Published, deps: Dependencies) -> Snapshot:
    snapshot = _playlist(row, deps)
    if snapshot.playlist == playlist_of(row, published):
        return snapshot
    video_id, is_private = row.desired.video_id, row.observed.is_private
    outputs = deps.storage.verify_published(video_id, published, is_private=is_private)
    if isinstance(outputs, OutputsProblem):
        # A process that read the row before the restore, such as a frozen one, may withdraw files until now.
        if deps.storage.has_withdrawn(video_id):
            return replace(snapshot, has_withdrawn=True)
        # It may also have brought back, between these two looks, what it had withdrawn.
        outputs = deps.storage.verify_published(video_id, published, is_private=is_private)
    return replace(snapshot, outputs=outputs)


def _attempts(row: VideoRow, deps: Dependencies) -> tuple[AttemptRow, ...]:
    return tuple(deps.attempts.since(row.desired.video_id, floor=row.observed.attempt_floor))


def _incomplete_if_unavailable(
    row: VideoRow, deps: Dependencies, ask: Callable[[], Snapshot], incomplete: Snapshot
) -> Snapshot:
    try:
        return ask()
    except (UnavailableError, RefusedError) as error:
        log.warning("no_response_received", video_id=row.desired.video_id, error=str(error))
        return replace(incomplete, hindrance=_HINDRANCES.get(deps.storage_health()))
