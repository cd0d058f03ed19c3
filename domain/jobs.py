"""Transcoding jobs as values: what is submitted, and what Coconut reports. The adapter is controller/coconut/."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import UpstreamError
from domain.profiles import ORIGINAL, ProfileSpec
from domain.video import Orientation


class UncertainError(UpstreamError):
    """The request left and no answer came: the paid job may or may not exist."""


class JobState(StrEnum):
    """A job's state at Coconut, as far as the rules need it. An unknown word counts as in progress."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    # Completed without a stream: the provider measured a longer video than the order allows, and bills nothing.
    TOO_LONG = "too_long"


@dataclass(frozen=True)
class Job:
    """A job as Coconut reports it. ``finished_at``: by its clock.

    ``is_undecodable``: it failed because Coconut cannot decode the file, so the same file would fail again.
    """

    job_id: str
    state: JobState
    progress_percent: int
    problem: str = ""
    is_undecodable: bool = False
    answer: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class JobOrder:
    """Everything that differs between submissions. The URLs are secrets.

    ``folder``: where the outputs go. ``orientation``: how a turned picture is shown, whatever its coded size
    is; None if it is not turned. ``max_seconds``: no stream is made of a longer video.
    ``is_private``: the outputs go where nothing is public. ``profile``: what is made.
    """

    video_id: str
    attempt: int
    folder: str
    source_url: str
    callback_url: str
    orientation: Orientation | None = None
    max_seconds: float = 4 * 3600.0
    is_private: bool = False
    profile: ProfileSpec = ORIGINAL
