"""Looking: ask each neighbour just what the rules of this phase need. Nothing is changed here.

A neighbour that gives no answer, or refuses one, makes a look blind instead of ending the pass: deadlines
hold all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from controller.dependencies import World
from controller.rules.machine import must_begin, must_restore
from controller.rules.multipart import plan_of
from controller.rules.steps import Asked, Seen
from domain.errors import RefusedError, UnavailableError
from domain.failures import FailureCode
from domain.jobs import JobState
from domain.objects import OutputsProblem, SourceProblem, StoredPart, VerifiedOutputs
from domain.records import UNRESOLVED, AttemptRow, VideoRow
from domain.stable_playlist import stable_playlist
from domain.video import Phase, Reason

log = structlog.get_logger(__name__)


def look(row: VideoRow, asked: Asked | None, world: World) -> Seen:
    """Return what this upload's next decision needs. Raises UnavailableError for Postgres, and at rest for anybody:
    whatever a person asked for can wait until its neighbour is back.
    """
    return replace(_look(row, asked, world), asked=asked)


def _look(row: VideoRow, asked: Asked | None, world: World) -> Seen:
    if row.desired.deleted:
        return _at_the_playlist(row, world)
    if asked.is_paused if asked is not None else row.observed.is_paused:
        return Seen()
    if must_begin(row, asked):
        attempts = tuple(world.attempts.since(row.desired.video_id, floor=row.observed.attempt_floor))
        return Seen(attempts=attempts, original=world.storage.head(row.desired.storage_key))
    match row.observed.phase:
        case Phase.UPLOADING:
            return _blind_if_away(row, lambda: _at_the_original(row, world), Seen(is_blind=True))
        case Phase.UPLOADED:
            return _at_submissions(row, world)
        case Phase.PROCESSING if row.observed.reason is Reason.PUBLISHING:
            return _blind_if_away(row, lambda: _at_the_playlist(row, world), Seen(is_blind=True))
        case Phase.PROCESSING:
            return _at_the_job(row, world)
        case Phase.READY | Phase.ERRORED if must_restore(row):
            return _at_a_restored_video(row, world)
        case _:
            return Seen()


def _at_the_original(row: VideoRow, world: World) -> Seen:
    key, rejected = row.desired.storage_key, row.observed.rejected
    facts = world.storage.head(key)
    if facts is None:
        return Seen(parts=_parts(row, world))
    if rejected is not None and rejected.version == facts.version:
        known = SourceProblem(FailureCode(rejected.code), rejected.message, rejected.version)
        return Seen(source=known, parts=_parts(row, world))
    source = world.storage.verify_source(
        key, facts, declared_bytes=row.desired.declared_bytes, max_bytes=world.max_file_bytes
    )
    return Seen(source=source)


def _parts(row: VideoRow, world: World) -> tuple[StoredPart, ...] | None:
    if plan_of(row) is None or row.upload_id is None:
        return None
    return world.parts.parts(row.desired.storage_key, row.upload_id)


def _at_submissions(row: VideoRow, world: World) -> Seen:
    attempts = tuple(world.attempts.since(row.desired.video_id, floor=row.observed.attempt_floor))
    blind = Seen(is_blind=True, attempts=attempts)
    if attempts and attempts[-1].state in UNRESOLVED:
        claims = world.claims.of_attempt(row.desired.video_id, attempts[-1].attempt)
        return _blind_if_away(row, lambda: _at_a_lost_submission(row, attempts, claims, world), blind)
    return _blind_if_away(
        row, lambda: Seen(attempts=attempts, original=world.storage.head(row.desired.storage_key)), blind
    )


def _at_a_lost_submission(row: VideoRow, attempts: tuple[AttemptRow, ...], claims: Sequence[str], world: World) -> Seen:
    """Ask for every job that a callback named, then for outputs without a callback."""
    for job_id in claims:
        job = world.transcoder.job(job_id)
        if job is not None:
            return Seen(attempts=attempts, job=job)
    return Seen(
        attempts=attempts,
        original=world.storage.head(row.desired.storage_key),
        outputs=_outputs(row, attempts[-1].attempt, None, world),
    )


def _at_the_job(row: VideoRow, world: World) -> Seen:
    attempts = tuple(world.attempts.since(row.desired.video_id, floor=row.observed.attempt_floor))
    job_id = row.observed.job_id
    if job_id is None:
        return Seen(attempts=attempts)
    blind = Seen(is_blind=True, attempts=attempts)
    seen = _blind_if_away(row, lambda: Seen(attempts=attempts, job=world.transcoder.job(job_id)), blind)
    job = seen.job
    if job is None or job.state is not JobState.COMPLETED:
        return seen
    return _blind_if_away(
        row,
        lambda: Seen(
            attempts=attempts,
            job=job,
            original=world.storage.head(row.desired.storage_key),
            outputs=_outputs(row, row.observed.attempt, world.transcoder.input_seconds(job_id), world),
        ),
        Seen(is_blind=True, attempts=attempts, job=job),
    )


def _outputs(
    row: VideoRow, attempt: int, input_seconds: float | None, world: World
) -> VerifiedOutputs | OutputsProblem:
    return world.storage.verify_outputs(row.desired.video_id, attempt, input_seconds=input_seconds)


def _at_the_playlist(row: VideoRow, world: World) -> Seen:
    return Seen(playlist=world.storage.read_playlist(row.desired.video_id))


def _at_a_restored_video(row: VideoRow, world: World) -> Seen:
    seen, published = _at_the_playlist(row, world), row.observed.published
    if published is None or seen.playlist == stable_playlist(published):
        return seen
    return replace(seen, outputs=_outputs(row, published.attempt, published.duration_seconds, world))


def _blind_if_away(row: VideoRow, ask: Callable[[], Seen], blind: Seen) -> Seen:
    try:
        return ask()
    except (UnavailableError, RefusedError) as error:
        log.warning("gave_no_answer", video=row.desired.video_id, why=str(error))
        return blind
