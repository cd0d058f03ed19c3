"""The rules of files that come in parts: when they are joined, and how long they may take. Pure, like machine.py."""

from collections.abc import Sequence
from datetime import datetime

from controller.rules.steps import CompleteUpload, ExtendDeadline, Snapshot
from domain.objects import StoredPart
from domain.part_plan import PartPlan
from domain.records import VideoRow
from domain.schedule import Timing
from domain.video import UploadMode


def plan_of(row: VideoRow) -> PartPlan | None:
    """Return how the file is cut; None while no upload was opened, or when it comes in one piece."""
    file_bytes = row.desired.declared_bytes
    if row.desired.upload_mode is not UploadMode.MULTIPART or row.upload_id is None:
        return None
    return None if file_bytes is None or row.part_bytes is None else PartPlan(file_bytes, row.part_bytes)


def next_for_parts(
    row: VideoRow, snapshot: Snapshot, now: datetime, timing: Timing
) -> CompleteUpload | ExtendDeadline | None:
    """Choose what is due because of the parts; None if nothing is. Whoever sent the last one may be gone."""
    plan = plan_of(row)
    if plan is None or row.upload_id is None or not snapshot.parts:
        return None
    if not plan.missing(snapshot.parts):
        return CompleteUpload(row.upload_id, plan.valid(snapshot.parts))
    until = _until(row, snapshot.parts, timing)
    ends_at = row.observed.deadline_at or now
    # Not at each part: half of the time is left when the deadline moves, so it does a few times a day at most.
    is_near = ends_at - now < timing.scaled(timing.uploading_deadline_seconds) / 2
    return ExtendDeadline(until) if is_near and until > max(ends_at, now) else None


def _until(row: VideoRow, parts: Sequence[StoredPart], timing: Timing) -> datetime:
    """Return how long the next part is waited for: as long as for the first one, but not for ever."""
    newest = max(part.last_modified for part in parts)
    longest = row.observed.phase_since + timing.scaled(timing.uploading_longest_seconds)
    return min(longest, newest + timing.scaled(timing.uploading_deadline_seconds))
