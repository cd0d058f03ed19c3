"""The rules of multipart uploads: when the parts are joined, and how long they may take. Pure, like machine.py."""

from collections.abc import Sequence
from datetime import datetime

from controller.rules.situation import MultipartUpload
from controller.rules.steps import CompleteUpload, ExtendDeadline, Snapshot
from domain.objects import StoredPart
from domain.records import VideoRow
from domain.schedule import Timing


def next_for_parts(
    row: VideoRow, multipart: MultipartUpload | None, snapshot: Snapshot, now: datetime, timing: Timing
) -> CompleteUpload | ExtendDeadline | None:
    """Choose the step that the parts make due, if any. The client may be gone after the last part."""
    if multipart is None or not snapshot.parts:
        return None
    if not multipart.plan.missing(snapshot.parts):
        return CompleteUpload(multipart.upload_id, multipart.plan.valid(snapshot.parts))
    until = _until(row, snapshot.parts, timing)
    ends_at = row.observed.deadline_at or now
    # Extended only when less than half of the time is left, so a few times a day at most.
    is_near = ends_at - now < timing.scaled(timing.uploading_deadline_seconds) / 2
    return ExtendDeadline(until) if is_near and until > max(ends_at, now) else None


def _until(row: VideoRow, parts: Sequence[StoredPart], timing: Timing) -> datetime:
    """Return the deadline of the next part: the same time as for the first, within the limit of the whole upload."""
    newest = max(part.last_modified for part in parts)
    longest = row.observed.phase_since + timing.scaled(timing.uploading_longest_seconds)
    return min(longest, newest + timing.scaled(timing.uploading_deadline_seconds))
