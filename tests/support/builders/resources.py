"""Wishes, observations and resources for tests: each builder shows only what matters to the case."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from string import ascii_lowercase, digits
from typing import Any

from hypothesis import strategies as st

from crds.resource import Resource
from crds.spec import manifest_of
from crds.status import status_of
from domain.failures import Failure, FailureCode
from domain.messages import present
from domain.policy import LifecyclePolicy
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
NAMESPACE = "video-uploads"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)

REASON_OF = {
    Phase.PENDING: Reason.WAITING_FOR_UPLOAD_URL,
    Phase.UPLOADING: Reason.WAITING_FOR_FILE,
    Phase.UPLOADED: Reason.WAITING_FOR_SUBMISSION,
    Phase.PROCESSING: Reason.TRANSCODING,
    Phase.READY: Reason.PUBLISHED,
    Phase.ERRORED: Reason.FAILED,
}


def a_desired_state(**changes: Any) -> DesiredState:
    """Return a wish as the API makes it."""
    desired = DesiredState(
        video_id=VIDEO_ID,
        revision=1,
        origin=Origin.API,
        owner="user-1",
        title="A film",
        filename="film.mp4",
        content_type="video/mp4",
        declared_bytes=1_000,
        upload_mode=UploadMode.SINGLE,
        region="tor1",
        storage_key=f"uploads/{VIDEO_ID}/original.mp4",
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


def a_resource(desired: DesiredState, **changes: Any) -> Resource:
    """Return the wish as it lies in the cluster, before any status."""
    body = manifest_of(desired, namespace=NAMESPACE)
    resource = Resource(
        name=desired.video_id,
        namespace=NAMESPACE,
        uid="uid-1",
        resource_version="1",
        generation=1,
        labels=body["metadata"]["labels"],
        spec=body["spec"],
    )
    return replace(resource, **changes)


def a_status(
    desired: DesiredState,
    observed: ObservedState,
    *,
    resource: Resource | None = None,
    policy: LifecyclePolicy | None = None,
    now: datetime = NOON,
) -> dict[str, Any]:
    """Return the status that a pass writes for this observation."""
    return status_of(
        observed,
        present(desired, observed),
        resource=resource or a_resource(desired),
        policy=policy or LifecyclePolicy(),
        now=now,
    )


_counts = st.integers(min_value=0, max_value=2**63 - 1)
_positive = st.integers(min_value=1, max_value=2**63 - 1)
_counters = st.integers(min_value=0, max_value=2**31 - 1)
_bytes = st.integers(min_value=1, max_value=5 * 1024**4)
# Short, for speed: what is too long is a case of its own.
_texts = st.text(max_size=9)
_lines = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=9)
_words = st.text(min_size=1, max_size=9)
# Postgres answers in its session's zone, storage in its own: the same instants in other words.
_zones = st.integers(min_value=-12, max_value=14).map(lambda hours: timezone(timedelta(hours=hours)))


def _instant(microseconds: int, zone: timezone) -> datetime:
    return (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone)


# A hundred years, in two draws: hypothesis' own datetimes take nine, and there are many in each observation.
_instants = st.builds(_instant, st.integers(min_value=0, max_value=36_525 * 86_400 * 10**6), _zones)
_numbers = st.floats(min_value=0, max_value=1e9, allow_nan=False)
_LETTERS = ascii_lowercase + digits
_CONTROLS = [chr(code) for code in (*range(0x20), 0x7F)]
_keys = st.builds(
    "{}/{}/{}".format,
    st.sampled_from(["uploads", "imports"]),
    st.text(_LETTERS + "-", min_size=1, max_size=9),
    st.text(st.characters(codec="utf-8", exclude_characters=_CONTROLS), min_size=1, max_size=9),
)


def _as_id(number: int) -> str:
    """Return one of all ids there can be: 26 digits of a number to the base of 32."""
    return "".join((ascii_lowercase + "234567")[number >> 5 * place & 31] for place in range(26))


commands = st.builds(
    DesiredState,
    video_id=st.integers(min_value=0, max_value=2**130 - 1).map(_as_id),
    revision=_positive,
    owner=_lines,
    title=_lines,
    filename=_lines,
    content_type=_lines,
    declared_bytes=st.none() | _bytes,
    region=_lines,
    storage_key=_keys,
    profile=st.sampled_from(_LETTERS) | st.text(_LETTERS + "-", max_size=9).map("a{}0".format),
    edition=st.integers(min_value=1, max_value=2**31 - 1),
    retries=_counters,
    confirmations=_counters,
    deleted=st.booleans(),
)

_renditions = st.builds(
    Rendition,
    uri=_words,
    bandwidth=_counts,
    average_bandwidth=st.none() | _counts,
    width=st.none() | _counts,
    height=st.none() | _counts,
    codecs=st.none() | _texts,
    frame_rate=st.none() | _numbers,
)

observations = st.builds(
    ObservedState,
    revision=_counts,
    phase_since=_instants,
    message=_texts,
    deadline_at=st.none() | _instants,
    edition=_positive,
    retries=_counts,
    attempt=_counts,
    attempt_floor=_counts,
    confirmations_floor=_counts,
    job_id=st.none() | _words,
    progress_percent=st.integers(min_value=0, max_value=100),
    progress_at=st.none() | _instants,
    rejections=_counts,
    rejected=st.none()
    | st.builds(
        Rejection,
        code=_words,
        message=_texts,
        version=_texts,
        confirmations=_counts,
    ),
    source=st.none()
    | st.builds(
        SourceFacts,
        etag=_words,
        last_modified=_instants,
        file_bytes=_bytes,
        container=_texts,
    ),
    published=st.none()
    | st.builds(
        Published,
        edition=_positive,
        attempt=_counts,
        duration_seconds=_numbers,
        renditions=st.lists(_renditions, max_size=3).map(tuple),
        has_poster=st.booleans(),
    ),
    is_playable=st.booleans(),
    failure=st.none()
    | st.builds(
        Failure,
        code=st.sampled_from(FailureCode),
        message=_texts,
        attempt=_counts,
        provider_answer=st.none() | _texts,
    ),
    is_paused=st.booleans(),
    retry_token=st.none() | _words,
)
