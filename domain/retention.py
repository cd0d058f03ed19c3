"""How long a failed upload is kept: first its file goes, then the upload itself. Pure.

database/retention.py finds what is due by the same conditions.
"""

from datetime import datetime

from domain.records import VideoRow
from domain.schedule import Timing
from domain.video import Origin, Phase, Reason


def is_file_due(row: VideoRow, now: datetime, timing: Timing) -> bool:
    """Return whether the file of a failed upload is to be removed."""
    is_kept = _has_failed(row) and row.observed.reason is not Reason.FILE_REMOVED
    return is_kept and now >= _since(row) + timing.scaled(timing.errored_file_seconds)


def is_row_due(row: VideoRow, now: datetime, timing: Timing) -> bool:
    """Return whether a failed upload is to be deleted."""
    return _has_failed(row) and now >= _since(row) + timing.scaled(timing.errored_row_seconds)


def _has_failed(row: VideoRow) -> bool:
    """Return whether the upload has failed, plays no older edition, and is not paused.

    An import belongs to its manifest: it stays for as long as that is applied.
    """
    observed = row.observed
    is_over = observed.phase is Phase.ERRORED and not observed.is_playable and not observed.is_paused
    return is_over and row.desired.origin is Origin.API and not row.desired.deleted


def _since(row: VideoRow) -> datetime:
    """Return when its retention began: a restore begins it again."""
    failed_at = row.observed.phase_since
    return failed_at if row.restored_at is None else max(failed_at, row.restored_at)
