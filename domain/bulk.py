"""Bulk requests: what administrators request of many videos at once, why one is left out, and what all may cost.

A plan is shown first. It names each video with its revision, so that only what is still as it was shown is changed.
webapi/admin/bulk.py makes plans from the catalogue, and applies them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.failures import FailureCode
from domain.profiles import ProfileSpec
from domain.records import VideoRow
from domain.spending import Prices
from domain.video import COUNTER_MAX, Origin, is_retranscodable, is_retryable

# Each is a transaction of its own when the plan is applied, and for a re-transcode a request to storage.
PLANNED_MAX = 500
# Prices and profiles change seldom, and a plan that was applied later would surprise.
PLAN_LASTS = timedelta(hours=1)


class BulkAction(StrEnum):
    """What can be requested of many videos."""

    RETRY = "retry"
    RETRANSCODE = "retranscode"


class LeftOut(StrEnum):
    """Why a video that matches is not planned, or one that was planned is not requested.

    Where the call about one video would refuse it, the word is that problem's code.
    """

    MANAGED_BY_KUBERNETES = "managed_by_kubernetes"
    NOT_RETRYABLE = "not_retryable"
    NOT_RETRANSCODABLE = "not_retranscodable"
    ORIGINAL_UNAVAILABLE = "original_unavailable"
    CHANGES_EXHAUSTED = "changes_exhausted"
    REGION_UNAVAILABLE = "region_unavailable"
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    NOT_FOUND = "not_found"
    PERMANENT_FAILURE = "permanent_failure"
    ALREADY_REQUESTED = "already_requested"
    CHANGED = "changed"
    PROFILE_CHANGED = "profile_changed"


# For people; the same for all videos with one reason.
EXPLAINED: dict[LeftOut, str] = {
    LeftOut.MANAGED_BY_KUBERNETES: "the video belongs to its VideoUpload in Kubernetes; annotate that",
    LeftOut.NOT_RETRYABLE: "the newest edition has not failed",
    LeftOut.NOT_RETRANSCODABLE: "another edition is in progress, has failed, or is being restored",
    LeftOut.ORIGINAL_UNAVAILABLE: "storage does not have the file that was verified",
    LeftOut.CHANGES_EXHAUSTED: "the counters of the video are at their end",
    LeftOut.REGION_UNAVAILABLE: "the service does not reach the region of the video",
    LeftOut.TEMPORARILY_UNAVAILABLE: "a part of the service did not respond; send the same plan again",
    LeftOut.NOT_FOUND: "the video is not there any more",
    LeftOut.PERMANENT_FAILURE: "the same file fails again; filter by this `error_code` to retry it all the same",
    LeftOut.ALREADY_REQUESTED: "it was requested before, and has not begun",
    LeftOut.CHANGED: "the video was changed after the plan was made; plan again",
    LeftOut.PROFILE_CHANGED: "its transcode profile or the prices were changed after the plan was made; plan again",
}


@dataclass(frozen=True)
class PlannedVideo:
    """One video of a plan. ``revision``: as it was shown; ``number``: of the retry or edition that is requested."""

    video_id: str
    revision: int
    number: int


@dataclass(frozen=True)
class BulkPlan:
    """What was shown, and may be applied once. ``filters``: as they were requested, for the log.

    ``terms``: of each profile, what its videos are made into and for how much.
    """

    action: BulkAction
    made_at: datetime
    videos: tuple[PlannedVideo, ...]
    terms: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """What one video may cost. ``minutes``: its length; ``billed_minutes``: the same times its outputs."""

    minutes: float
    billed_minutes: float
    dollars: float


def number_of(row: VideoRow, action: BulkAction) -> int:
    """Return the number of the newest retry or edition that was requested of a video."""
    return row.desired.retries if action is BulkAction.RETRY else row.desired.edition


def planned(row: VideoRow, action: BulkAction) -> PlannedVideo:
    """Return a video as a plan names it."""
    return PlannedVideo(row.desired.video_id, row.desired.revision, number_of(row, action) + 1)


def left_out(row: VideoRow, action: BulkAction, *, named: FailureCode | None = None) -> LeftOut | None:
    """Return why the request of a video would be refused, or is not worth its money; None if it can be planned.

    ``named``: the failure that the filter names: what fails for good is retried only if people name it.
    """
    desired = row.desired
    if desired.origin is Origin.KUBERNETES:
        return LeftOut.MANAGED_BY_KUBERNETES
    reason = _not_retried(row, named) if action is BulkAction.RETRY else _not_retranscoded(row)
    if reason is None and (desired.revision + 1 >= COUNTER_MAX or number_of(row, action) + 1 > COUNTER_MAX):
        return LeftOut.CHANGES_EXHAUSTED
    return reason


def _not_retried(row: VideoRow, named: FailureCode | None) -> LeftOut | None:
    failure = row.observed.failure
    if row.desired.deleted or not is_retryable(row.observed):
        return LeftOut.NOT_RETRYABLE
    if row.desired.retries > row.observed.retries:
        return LeftOut.ALREADY_REQUESTED
    if failure is not None and not failure.advice.retryable and failure.code is not named:
        return LeftOut.PERMANENT_FAILURE
    return None


def _not_retranscoded(row: VideoRow) -> LeftOut | None:
    if not row.desired.deleted and row.desired.edition > row.observed.edition:
        return LeftOut.ALREADY_REQUESTED
    if row.desired.deleted or not is_retranscodable(row.observed):
        return LeftOut.NOT_RETRANSCODABLE
    return LeftOut.ORIGINAL_UNAVAILABLE if row.observed.source is None else None


def terms_of(profile_hash: str, spec: ProfileSpec, prices: Prices) -> str:
    """Return a text that differs when the same video would be made into something else, or cost something else."""
    return f"{profile_hash} {prices.per_minute(spec):g}"


def estimate(row: VideoRow, spec: ProfileSpec | None, prices: Prices, *, longest_seconds: float) -> Estimate | None:
    """Return the most that one job for a video costs; None where that is not known beforehand.

    It is not while no file was verified, where its length is not stated, and if the profile is not there.
    """
    source, published = row.observed.source, row.observed.published
    if source is None or spec is None:
        return None
    seconds = source.duration_seconds or (published.duration_seconds if published else None)
    if seconds is None:
        return None
    minutes = min(seconds, longest_seconds) / 60
    billed = minutes * spec.billed_outputs
    return Estimate(minutes, billed, billed * prices.per_minute(spec))
