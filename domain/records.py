"""Rows as values: videos, attempts, events, and the changes that a commit makes to attempts. SQL is in database/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.video import DesiredState, ObservedState, Origin, Phase, Reason


class Cause(StrEnum):
    """What woke the pass that made a transition. Kept for people; no decision looks at it."""

    CLIENT = "client"
    POLL = "poll"
    CLAIM = "claim"
    PERSON = "person"
    SWEEP = "sweep"


class AttemptState(StrEnum):
    """What is known of one paid submission."""

    INTENDED = "intended"  # on record; the request may or may not have left
    REFUSED = "refused"  # certainly no job
    UNCERTAIN = "uncertain"  # the request left, the answer did not come
    ACCEPTED = "accepted"  # a job is known
    COMPLETED = "completed"
    FAILED = "failed"
    ABANDONED = "abandoned"  # uncertain past the resolve window, or past its deadline


UNRESOLVED = frozenset({AttemptState.INTENDED, AttemptState.UNCERTAIN})


@dataclass(frozen=True)
class VideoRow:
    """One video: what is wished and what is observed. ``retired``: its resource has left Kubernetes.

    ``deleted_at``: when the wish became to delete it; None while it is wanted. ``metadata``: the client's own words.
    ``upload_id``: the newest multipart upload that was opened at storage, whatever became of it; ``part_bytes``: how
    its file is cut.
    """

    desired: DesiredState
    observed: ObservedState
    created_at: datetime
    retired: bool
    deleted_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    part_bytes: int | None = None
    upload_id: str | None = None


@dataclass(frozen=True)
class AttemptRow:
    """One paid submission. ``answer``: the provider's words about its failure, redacted."""

    video_id: str
    attempt: int
    edition: int
    state: AttemptState
    job_id: str | None
    intended_at: datetime
    settled_at: datetime | None
    answer: str | None


@dataclass(frozen=True)
class EventRow:
    """One line of a video's history."""

    video_id: str
    observed_revision: int
    at: datetime
    cause: Cause
    phase: Phase
    reason: Reason
    message: str
    attempt: int


@dataclass(frozen=True)
class Intend:
    """Put a paid submission on record before it is made."""

    attempt: int
    edition: int
    at: datetime


@dataclass(frozen=True)
class Settle:
    """Record what became of a submission."""

    attempt: int
    state: AttemptState
    at: datetime
    job_id: str | None = None
    answer: str | None = None


AttemptChange = Intend | Settle


@dataclass(frozen=True)
class WorkingRow:
    """As much of a row as the sweep compares: which wish and which observation it holds, and since when.

    ``is_behind``: an edition or a retry was asked for, nobody holds it, and no pass has begun it.
    """

    video_id: str
    origin: Origin
    revision: int
    observed_revision: int
    phase: Phase
    phase_since: datetime
    deleted_at: datetime | None
    is_behind: bool
