"""Rows, attempts, jobs and snapshots: each builder shows only what matters to the case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.rules.machine import decide
from controller.rules.situation import situation_of
from controller.rules.steps import AnnotationRequest, Snapshot, Step
from domain.failures import Failure, FailureCode
from domain.jobs import Job, JobState
from domain.object_keys import original_key
from domain.objects import ObjectFacts, OutputsProblem, SourceProblem, VerifiedOutputs
from domain.policy import LifecyclePolicy
from domain.records import AttemptRow, AttemptState, VideoRow
from domain.schedule import Timing, deadline_at
from domain.video import (
    DesiredState,
    ObservedState,
    Origin,
    Phase,
    Published,
    Reason,
    Rejection,
    Rendition,
    SourceFacts,
    UploadMode,
)

VIDEO_ID = "abcdefghijklmnopqrstuvwxy2"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
TIMING = Timing()
RULES = LifecyclePolicy(TIMING)
NO_TIME = timedelta(0)

SOURCE = SourceFacts(etag="e1", last_modified=NOON, file_bytes=1_000, container="mp4")
ORIGINAL = ObjectFacts(etag="e1", last_modified=NOON, file_bytes=1_000, content_type="video/mp4")
RENDITION = Rendition(uri="1/hls/360p.m3u8", bandwidth=1_000_000, width=640, height=360)
OUTPUTS = VerifiedOutputs((RENDITION,), duration_seconds=5.0, poster_key=None)
BAD_OUTPUTS = OutputsProblem("the master playlist cannot be used: it does not exist")


REASON_OF = {
    Phase.PENDING: Reason.WAITING_FOR_UPLOAD_URL,
    Phase.UPLOADING: Reason.WAITING_FOR_FILE,
    Phase.UPLOADED: Reason.WAITING_FOR_SUBMISSION,
    Phase.PROCESSING: Reason.TRANSCODING,
    Phase.READY: Reason.PUBLISHED,
    Phase.ERRORED: Reason.FAILED,
}


def a_desired_state(**changes: Any) -> DesiredState:
    """Return a desired state as the API makes it."""
    video_id = changes.get("video_id", VIDEO_ID)
    desired = DesiredState(
        video_id=video_id,
        revision=1,
        origin=Origin.API,
        owner="user-1",
        title="A film",
        filename="film.mp4",
        content_type="video/mp4",
        declared_bytes=1_000,
        upload_mode=UploadMode.SINGLE,
        region="tor1",
        storage_key=original_key(video_id, "film.mp4"),
    )
    return replace(desired, **changes)


def an_observation(phase: Phase, **changes: Any) -> ObservedState:
    """Return an observation of this phase: playable if ready, with a failure if errored."""
    observed = ObservedState(
        revision=1,
        phase=phase,
        phase_since=NOON,
        reason=REASON_OF[phase],
        message="as seen",
        deadline_at=None,
        is_playable=phase is Phase.READY,
        failure=a_failure() if phase is Phase.ERRORED else None,
    )
    return replace(observed, **changes)


def a_failure(code: FailureCode = FailureCode.TRANSCODE_FAILED) -> Failure:
    """Return a failure with this code."""
    return Failure(code, "the codec is unknown", attempt=1)


def a_row(phase: Phase, *, waited: timedelta = NO_TIME, **changes: Any) -> VideoRow:
    """Return a row that entered this phase ``waited`` before noon.

    Changes go to the observation, ``deleted`` and ``confirmations`` to the desired state.
    """
    since = NOON - waited
    of_desired = {name: changes.pop(name) for name in ("confirmations", "deleted") if name in changes}
    defaults: dict[str, Any] = {"phase_since": since, "deadline_at": deadline_at(phase, since, TIMING)}
    if phase in {Phase.UPLOADED, Phase.PROCESSING}:
        defaults["source"] = SOURCE
    if phase is Phase.PROCESSING:
        defaults |= {"attempt": 1, "job_id": "job1"}
    return row_of(a_desired_state(**of_desired), an_observation(phase, **defaults | changes))


def row_of(desired: DesiredState, observed: ObservedState | None = None, **changes: Any) -> VideoRow:
    """Return the row of both states: one that waits for its file unless an observation is given."""
    return replace(VideoRow(desired, observed or an_observation(Phase.UPLOADING), NOON, retired=False), **changes)


def an_attempt(number: int, state: AttemptState, *, age: timedelta = NO_TIME, **changes: Any) -> AttemptRow:
    """Return a submission that was intended, and settled if it is, ``age`` before noon."""
    at = NOON - age
    settled_at = None if state is AttemptState.INTENDED else at
    attempt = AttemptRow(VIDEO_ID, number, 1, state, None, at, settled_at, None)
    return replace(attempt, **changes)


def a_job(state: JobState, percent: int = 0, **changes: Any) -> Job:
    """Return what Coconut says of the job of attempt 1."""
    return replace(Job("job1", state, percent, problem="it broke" if state is JobState.FAILED else ""), **changes)


def a_problem(version: str, code: FailureCode = FailureCode.NOT_A_VIDEO) -> SourceProblem:
    """Return the verdict on a bad object version."""
    return SourceProblem(code, f"{version} is bad", version)


def a_rejection(version: str, confirmations: int, code: FailureCode = FailureCode.NOT_A_VIDEO) -> Rejection:
    """Return what the row holds of a bad object version, and of the confirmations that it answered."""
    return Rejection(code, f"{version} is bad", version, confirmations)


def a_publication(attempt: int = 1) -> Published:
    """Return what `OUTPUTS` become when they are published."""
    return Published(edition=1, attempt=attempt, duration_seconds=5.0, renditions=(RENDITION,), has_poster=False)


def a_publishing_row(*, waited: timedelta = NO_TIME) -> VideoRow:
    """Return a row whose outputs are published and whose stable playlist is not yet known to show them."""
    return a_row(Phase.PROCESSING, waited=waited, reason=Reason.PUBLISHING, published=a_publication())


def just_over(seconds: float) -> timedelta:
    """Return a moment that is past a bound."""
    return timedelta(seconds=seconds)


def just_under(seconds: float) -> timedelta:
    """Return the last moment before a bound."""
    return timedelta(seconds=seconds) - datetime.resolution


def next_step(
    row: VideoRow,
    snapshot: Snapshot,
    *,
    request: AnnotationRequest | None = None,
    policy: LifecyclePolicy = RULES,
) -> Step:
    """Return what the rules choose at noon."""
    return decide(row, situation_of(row, request), snapshot, NOON, policy)
