"""Rows as frozen values, and the one translation between them and columns."""

from collections.abc import Sequence
from typing import Any

from psycopg.rows import DictRow, RowMaker
from psycopg.types.json import Jsonb
from pydantic import TypeAdapter

from domain.failures import Failure
from domain.records import AttemptRow, AttemptState, Cause, EventRow, VideoRow
from domain.video import (
    DesiredState,
    ObservedState,
    Origin,
    Phase,
    Published,
    Reason,
    Rejection,
    SourceFacts,
    UploadMode,
)

# Named, never `*`: Postgres refuses a prepared statement whose columns a newer release's migration has changed.
VIDEO = """
    videos.video_id, videos.created_at, videos.revision, videos.origin, videos.owner, videos.title, videos.filename,
    videos.content_type, videos.declared_bytes, videos.upload_mode, videos.region, videos.storage_key, videos.profile,
    videos.edition, videos.retries, videos.confirmations, videos.deleted, videos.deleted_at, videos.retired,
    videos.metadata, videos.part_bytes, videos.upload_id, videos.observed_revision, videos.phase, videos.phase_since,
    videos.reason, videos.message, videos.deadline_at, videos.observed_edition, videos.observed_retries,
    videos.attempt, videos.attempt_floor, videos.confirmations_floor, videos.job_id, videos.progress_percent,
    videos.progress_at, videos.rejections, videos.rejected, videos.source, videos.published, videos.is_playable,
    videos.failure, videos.is_paused, videos.retry_token"""

_NAMES = tuple(column.strip().removeprefix("videos.") for column in VIDEO.split(","))


_SOURCE = TypeAdapter(SourceFacts | None)
_REJECTION = TypeAdapter(Rejection | None)
_PUBLISHED = TypeAdapter(Published | None)
_FAILURE = TypeAdapter(Failure | None)


def video_row(columns: DictRow) -> VideoRow:
    """Make the value of the columns VIDEO."""
    return VideoRow(
        desired=_desired(columns),
        observed=_observed(columns),
        created_at=columns["created_at"],
        retired=columns["retired"],
        deleted_at=columns["deleted_at"],
        metadata=columns["metadata"],
        part_bytes=columns["part_bytes"],
        upload_id=columns["upload_id"],
    )


def video_rows(_cursor: object) -> RowMaker[VideoRow]:
    """Make values of rows that are just the columns VIDEO: a row factory of psycopg's.

    Its own would ask the answer for the forty-four names again, which takes as long as reading the values.
    """
    return video_of


def video_of(columns: Sequence[Any]) -> VideoRow:
    """Make the value of the columns VIDEO, given without their names."""
    return video_row(dict(zip(_NAMES, columns, strict=True)))


def _read(adapter: TypeAdapter[Any], column: object) -> Any:
    return None if column is None else adapter.validate_python(column)


def _desired(columns: DictRow) -> DesiredState:
    return DesiredState(
        video_id=columns["video_id"],
        revision=columns["revision"],
        origin=Origin(columns["origin"]),
        owner=columns["owner"],
        title=columns["title"],
        filename=columns["filename"],
        content_type=columns["content_type"],
        declared_bytes=columns["declared_bytes"],
        upload_mode=UploadMode(columns["upload_mode"]),
        region=columns["region"],
        storage_key=columns["storage_key"],
        profile=columns["profile"],
        edition=columns["edition"],
        retries=columns["retries"],
        confirmations=columns["confirmations"],
        deleted=columns["deleted"],
    )


def _observed(columns: DictRow) -> ObservedState:
    return ObservedState(
        revision=columns["observed_revision"],
        phase=Phase(columns["phase"]),
        phase_since=columns["phase_since"],
        reason=Reason(columns["reason"]),
        message=columns["message"],
        deadline_at=columns["deadline_at"],
        edition=columns["observed_edition"],
        retries=columns["observed_retries"],
        attempt=columns["attempt"],
        attempt_floor=columns["attempt_floor"],
        confirmations_floor=columns["confirmations_floor"],
        job_id=columns["job_id"],
        progress_percent=columns["progress_percent"],
        progress_at=columns["progress_at"],
        rejections=columns["rejections"],
        rejected=_read(_REJECTION, columns["rejected"]),
        source=_read(_SOURCE, columns["source"]),
        published=_read(_PUBLISHED, columns["published"]),
        is_playable=columns["is_playable"],
        failure=_read(_FAILURE, columns["failure"]),
        is_paused=columns["is_paused"],
        retry_token=columns["retry_token"],
    )


def desired_columns(desired: DesiredState) -> dict[str, Any]:
    """Return the parameters of an UPDATE or INSERT that stores a wish."""
    return {
        "video_id": desired.video_id,
        "revision": desired.revision,
        "origin": desired.origin,
        "owner": desired.owner,
        "title": desired.title,
        "filename": desired.filename,
        "content_type": desired.content_type,
        "declared_bytes": desired.declared_bytes,
        "upload_mode": desired.upload_mode,
        "region": desired.region,
        "storage_key": desired.storage_key,
        "profile": desired.profile,
        "edition": desired.edition,
        "retries": desired.retries,
        "confirmations": desired.confirmations,
        "deleted": desired.deleted,
    }


# The part of an UPDATE that stores what `observed_columns` returns.
SET_OBSERVED = """
    observed_revision = %(observed_revision)s, phase = %(phase)s, phase_since = %(phase_since)s, reason = %(reason)s,
    message = %(message)s, deadline_at = %(deadline_at)s, observed_edition = %(observed_edition)s,
    observed_retries = %(observed_retries)s, attempt = %(attempt)s, attempt_floor = %(attempt_floor)s,
    confirmations_floor = %(confirmations_floor)s,
    job_id = %(job_id)s, progress_percent = %(progress_percent)s, progress_at = %(progress_at)s,
    rejections = %(rejections)s, rejected = %(rejected)s, source = %(source)s, published = %(published)s,
    is_playable = %(is_playable)s, failure = %(failure)s, is_paused = %(is_paused)s, retry_token = %(retry_token)s"""


def observed_columns(observed: ObservedState) -> dict[str, Any]:
    """Return the parameters of an UPDATE or INSERT that stores an observation."""
    return {
        "observed_revision": observed.revision,
        "phase": observed.phase,
        "phase_since": observed.phase_since,
        "reason": observed.reason,
        "message": observed.message,
        "deadline_at": observed.deadline_at,
        "observed_edition": observed.edition,
        "observed_retries": observed.retries,
        "attempt": observed.attempt,
        "attempt_floor": observed.attempt_floor,
        "confirmations_floor": observed.confirmations_floor,
        "job_id": observed.job_id,
        "progress_percent": observed.progress_percent,
        "progress_at": observed.progress_at,
        "rejections": observed.rejections,
        "rejected": _json(_REJECTION, observed.rejected),
        "source": _json(_SOURCE, observed.source),
        "published": _json(_PUBLISHED, observed.published),
        "is_playable": observed.is_playable,
        "failure": _json(_FAILURE, observed.failure),
        "is_paused": observed.is_paused,
        "retry_token": observed.retry_token,
    }


def _json(adapter: TypeAdapter[Any], value: object) -> Jsonb | None:
    return None if value is None else Jsonb(adapter.dump_python(value, mode="json"))


def attempt_row(columns: DictRow) -> AttemptRow:
    """Make the value of one row of `attempts`."""
    return AttemptRow(**{**columns, "state": AttemptState(columns["state"])})


def event_row(columns: DictRow) -> EventRow:
    """Make the value of one row of `video_events`."""
    known = {"cause": Cause(columns["cause"]), "phase": Phase(columns["phase"]), "reason": Reason(columns["reason"])}
    return EventRow(**{**columns, **known})
