"""What the audit reads of the database, as values."""

from dataclasses import dataclass
from datetime import datetime

from domain.records import VideoRow
from domain.video import Phase


@dataclass(frozen=True)
class AuditedRow:
    """A row and what the audit alone asks of it. ``published_at``: when its outputs went on record, None if unknown."""

    row: VideoRow
    heals: int
    published_at: datetime | None


@dataclass(frozen=True)
class DoubledJob:
    """A job that a callback named for an attempt which, as far as anybody knew, had another one or none."""

    video_id: str
    attempt: int
    job_id: str
    accepted_job_id: str | None


@dataclass(frozen=True)
class UncertainSubmission:
    """A paid submission of which nobody knows whether it led to a job."""

    video_id: str
    attempt: int
    intended_at: datetime


@dataclass(frozen=True)
class OverdueRow:
    """An upload that should have left its phase by itself."""

    video_id: str
    phase: Phase
    deadline_at: datetime


@dataclass(frozen=True)
class QuarantinedObject:
    """An object that belonged to no row when it was found."""

    object_key: str
    file_bytes: int
    found_at: datetime
