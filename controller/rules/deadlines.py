"""When a phase is over, and for how long it is extended while an upstream gives no answer. Pure, like machine.py.

An upstream that is away for one moment must not end what it would have answered an hour before or after: the deadline
is extended, up to a limit counted from the beginning of the phase.
"""

from datetime import datetime

from controller.rules.steps import ExtendDeadline, Fail
from domain.failures import Failure, FailureCode
from domain.records import VideoRow
from domain.schedule import Timing

# The file is looked for a few times an hour: once storage answers again, it is found long before the next deadline.
_EXTENSIONS_OF_UPLOADING = 24


def is_over(row: VideoRow, now: datetime) -> bool:
    """Return whether the phase has reached its deadline."""
    return row.observed.deadline_at is not None and now >= row.observed.deadline_at


def is_final(row: VideoRow, now: datetime, timing: Timing) -> bool:
    """Return whether `processing` ends now even if an upstream gives no answer."""
    return is_over(row, now) and now >= row.observed.phase_since + timing.scaled(timing.processing_longest_seconds)


def waiting_longer_for_outputs(row: VideoRow, now: datetime, timing: Timing) -> ExtendDeadline:
    """Extend the deadline of `processing`: while an upstream gives no answer, the paid outputs may be complete."""
    ends_at = row.observed.phase_since + timing.scaled(timing.processing_longest_seconds)
    return ExtendDeadline(min(ends_at, now + timing.scaled(timing.processing_deadline_seconds)))


def waiting_longer_for_file(row: VideoRow, now: datetime, timing: Timing, *, message: str) -> ExtendDeadline | Fail:
    """Extend the deadline of `uploading`, which is over: while storage gives no answer, the file may be there.

    At the limit the upload fails with the message.
    """
    ends_at = row.observed.phase_since + timing.scaled(timing.uploading_longest_seconds)
    if now >= ends_at:
        return Fail(Failure(FailureCode.STORAGE_UNAVAILABLE, message, attempt=0))
    return ExtendDeadline(
        min(ends_at, now + timing.scaled(timing.uploading_deadline_seconds) / _EXTENSIONS_OF_UPLOADING)
    )
