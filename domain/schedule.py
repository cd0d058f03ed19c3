"""How long each phase may last, and when an upload is checked next.

The time of the next check is never stored. Operator and API compute it from `phase_since`, the id and now, so checks
are spread evenly and survive restarts. controller/rules/machine.py decides what a check leads to.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Self

from pydantic import ConfigDict, Field

from domain.durations import Durations
from domain.spending import start_of_day
from domain.video import (
    AT_REST,
    FILE_NOT_ARRIVED,
    WAITING_FOR_A_DAY,
    DesiredState,
    ObservedState,
    Origin,
    Phase,
    Reason,
)

# The period doubles when it would be less than this share of the age, so it stays below twice that: an eighth.
_SMALLEST_SHARE = 16
# The checks of all uploads that wait for the next day are spread over this time.
_SPREAD_SECONDS = 60


class Timing(Durations):
    """Every duration in the life of an upload, in seconds. Tests shorten all of them by the factor ``scale``."""

    model_config = ConfigDict(extra="forbid")

    scale: float = Field(default=1.0, gt=0, le=1)
    # Between the commit of the intent and the start of the POST, by the monotonic clock.
    submission_start_seconds: float = 10
    progress_interval_seconds: float = 15
    # While storage or Coconut gives no answer, a job that may be complete is waited for until then, not bought again.
    processing_longest_seconds: float = 7 * 24 * 3600
    # A video can be restored until this long before its files are removed: clocks differ, and none may have begun.
    restore_margin_seconds: float = 60

    @classmethod
    def of(cls, durations: Durations, *, scale: float) -> Self:
        """Return an installation's durations, scaled."""
        return cls(scale=scale, **durations.model_dump(include=set(Durations.model_fields)))

    def scaled(self, seconds: float) -> timedelta:
        """Return a duration with ``scale`` applied."""
        return timedelta(seconds=seconds * self.scale)


def deadline_at(phase: Phase, phase_since: datetime, timing: Timing) -> datetime | None:
    """Return the deadline of a phase that began at ``phase_since``; None for phases at rest."""
    match phase:
        case Phase.PENDING:
            return phase_since + timing.scaled(timing.pending_deadline_seconds)
        case Phase.UPLOADING:
            return phase_since + timing.scaled(timing.uploading_deadline_seconds)
        case Phase.UPLOADED:
            return phase_since + timing.scaled(timing.uploaded_deadline_seconds)
        case Phase.PROCESSING:
            return phase_since + timing.scaled(timing.processing_deadline_seconds)
        case Phase.READY | Phase.ERRORED:
            return None


def first_observation(since: datetime, timing: Timing) -> ObservedState:
    """Return the observation that a row begins with: it has waited for its file since then."""
    return ObservedState(
        revision=1,
        phase=Phase.UPLOADING,
        phase_since=since,
        reason=Reason.WAITING_FOR_FILE,
        message=FILE_NOT_ARRIVED,
        deadline_at=deadline_at(Phase.UPLOADING, since, timing),
    )


def next_check_at(desired: DesiredState, observed: ObservedState, now: datetime, timing: Timing) -> datetime | None:
    """Return the first scheduled check after ``now``; None if the newest edition is at rest or paused.

    The period doubles from the phase's first to its last value with the age of the phase, of which it is at most an
    eighth once it has grown. The id decides at which fraction of a period the check falls, so uploads that began
    together are not checked together. What waits for the next day of UTC is checked in its first minute.
    """
    if observed.phase in AT_REST or observed.is_paused:
        return None
    first, last = _periods(observed.phase, timing, is_confirmed=_is_confirmed(desired, observed))
    age = max(0.0, (now - observed.phase_since).total_seconds())
    period = min(last, first)
    while period < last and age >= period * _SMALLEST_SHARE:
        period = min(last, period * 2)
    offset = _fraction(desired.video_id) * period
    checks = int((age - offset) // period) + 1 if age >= offset else 0
    check = observed.phase_since + timedelta(seconds=offset + checks * period)
    while check <= now:  # rounding to microseconds may yield now itself
        check += timedelta(seconds=period)
    if observed.reason in WAITING_FOR_A_DAY:
        tomorrow = start_of_day(now) + timedelta(days=1)
        check = min(check, tomorrow + timing.scaled(_fraction(desired.video_id) * _SPREAD_SECONDS))
    if observed.deadline_at is not None and now < observed.deadline_at < check:
        return observed.deadline_at
    return check


def awaits_first_check(desired: DesiredState, observed: ObservedState, now: datetime, timing: Timing) -> bool:
    """Return whether an upload of the API was just created, and nothing says yet that its file may be there.

    Its file was not confirmed, and no scheduled check was due.
    """
    is_created = desired.origin is Origin.API and observed.revision == 1 and observed.phase is Phase.UPLOADING
    if not is_created or _is_confirmed(desired, observed):
        return False
    first = next_check_at(desired, observed, observed.phase_since, timing)
    return first is not None and now < first


def _is_confirmed(desired: DesiredState, observed: ObservedState) -> bool:
    return desired.confirmations > observed.confirmations_answered


def checks_of(phase: Phase, timing: Timing) -> str | None:
    """Return how often a phase is checked, as text that stays the same during the phase; None at rest."""
    if phase in AT_REST:
        return None
    first, last = _periods(phase, timing, is_confirmed=False)
    return f"every {_words(first)}, later every {_words(last)}"


def retires_at(phase: Phase, phase_since: datetime, timing: Timing) -> datetime | None:
    """Return when a resource at rest is removed from Kubernetes; None for all other phases."""
    match phase:
        case Phase.READY:
            return phase_since + timing.scaled(timing.retire_ready_seconds)
        case Phase.ERRORED:
            return phase_since + timing.scaled(timing.retire_errored_seconds)
        case _:
            return None


def restore_window(timing: Timing) -> timedelta:
    """Return how long a deleted video can be restored."""
    return timing.scaled(timing.delete_grace_seconds - timing.restore_margin_seconds)


def _words(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def _periods(phase: Phase, timing: Timing, *, is_confirmed: bool) -> tuple[float, float]:
    match phase:
        case Phase.PENDING | Phase.UPLOADING:
            first = timing.uploading_first_check_seconds
            last = timing.confirmed_last_check_seconds if is_confirmed else timing.uploading_last_check_seconds
        case Phase.UPLOADED:
            first, last = timing.uploaded_first_check_seconds, timing.uploaded_last_check_seconds
        case _:
            first, last = timing.processing_first_check_seconds, timing.processing_last_check_seconds
    return first * timing.scale, last * timing.scale


def _fraction(video_id: str) -> float:
    """Map ids evenly to [0, 1)."""
    digest = hashlib.blake2b(video_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
