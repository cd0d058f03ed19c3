"""Values that the audit reads from the database."""

from dataclasses import dataclass
from datetime import datetime

from domain.records import VideoRow
from domain.video import Phase


@dataclass(frozen=True)
class AuditedRow:
    """A row and what only the audit needs. ``published_at``: when its outputs were recorded, None if unknown."""

    row: VideoRow
    heals: int
    published_at: datetime | None


@dataclass(frozen=True)
class DoubledJob:
    """A job that a callback named for an attempt that is stored with another job or none."""

    video_id: str
    attempt: int
    job_id: str
    accepted_job_id: str | None


@dataclass(frozen=True)
class UncertainSubmission:
    """A paid submission that may or may not have led to a job."""

    video_id: str
    attempt: int
    intended_at: datetime


@dataclass(frozen=True)
class OverdueRow:
    """An upload that should have left its phase by now."""

    video_id: str
    phase: Phase
    deadline_at: datetime


@dataclass(frozen=True)
class QuarantinedObject:
    """An object that belonged to no row when it was found."""

    object_key: str
    file_bytes: int
    found_at: datetime
