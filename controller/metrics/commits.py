"""What one commit tells whoever counts: pure, from the row before and after. The counters are in metrics.py.

Everything durable passes through one commit, so nothing else has to count, and no rule knows that somebody does.
"""

from dataclasses import dataclass

from domain.failures import FailureCode
from domain.records import AttemptChange, AttemptState, Intend, VideoRow
from domain.video import AT_REST, ObservedState, Phase, Published, Reason

# Coconut's price list calls a variant HD from here on, by its shorter side.
HD_PIXELS = 720


@dataclass(frozen=True)
class EditionEnd:
    """An edition came to rest. ``failure``: None when it became ready."""

    phase: Phase
    failure: FailureCode | None


@dataclass(frozen=True)
class PhaseDuration:
    """How long an upload was in a phase that it left."""

    phase: Phase
    seconds: float


@dataclass(frozen=True)
class BilledMinutes:
    """What a job produced, as it is paid for: minutes of each variant."""

    hd: float
    sd: float


@dataclass(frozen=True)
class Prices:
    """Dollars a minute of one variant, and what a day may cost before somebody is told; 0 tells nobody."""

    hd: float
    sd: float
    dollars_per_day: float = 0.0


@dataclass(frozen=True)
class CommitMetrics:
    """What there is to count of one commit.

    ``submission``: what became of a paid order, or that there is one. ``ordering_seconds``: from the file's
    verification to its first order on record, where nothing outside held it back. ``transcode_seconds``: from the
    accepted order to outputs on record. ``settled_job``: the job whose end is on record now.
    """

    ending: EditionEnd | None = None
    stay: PhaseDuration | None = None
    submission: AttemptState | None = None
    ordering_seconds: float | None = None
    transcode_seconds: float | None = None
    minutes: BilledMinutes | None = None
    settled_job: str | None = None


def metrics_of(before: VideoRow, after: VideoRow, attempt: AttemptChange | None) -> CommitMetrics:
    """Return what this commit tells."""
    was, now = before.observed, after.observed
    is_new_phase = was.phase is not now.phase
    is_end = is_new_phase and now.phase in AT_REST
    settled = None if attempt is None or isinstance(attempt, Intend) else attempt.state
    is_paid = settled is AttemptState.COMPLETED
    seconds = (now.phase_since - was.phase_since).total_seconds()
    return CommitMetrics(
        ending=EditionEnd(now.phase, now.failure.code if now.failure else None) if is_end else None,
        stay=PhaseDuration(was.phase, max(0.0, seconds)) if is_new_phase else None,
        submission=AttemptState.INTENDED if isinstance(attempt, Intend) else settled,
        ordering_seconds=_ordering_seconds(was, attempt),
        transcode_seconds=_transcode_seconds(was, attempt),
        minutes=_minutes(now.published) if is_paid and now.published is not None else None,
        settled_job=was.job_id if settled in {AttemptState.COMPLETED, AttemptState.FAILED} else None,
    )


def _ordering_seconds(was: ObservedState, attempt: AttemptChange | None) -> float | None:
    is_first = isinstance(attempt, Intend) and attempt.attempt == was.attempt_floor + 1
    if not is_first or was.reason is not Reason.WAITING_FOR_SUBMISSION or attempt is None:
        return None
    return max(0.0, (attempt.at - was.phase_since).total_seconds())


def _transcode_seconds(was: ObservedState, attempt: AttemptChange | None) -> float | None:
    if attempt is None or isinstance(attempt, Intend) or attempt.state is not AttemptState.COMPLETED:
        return None
    if was.phase is not Phase.PROCESSING:
        return None  # its order was never known to be accepted: only its outputs were found
    return max(0.0, (attempt.at - was.phase_since).total_seconds())


def _minutes(published: Published) -> BilledMinutes:
    """Count a variant of unknown size as HD: rather too much than too little."""
    minutes = published.duration_seconds / 60
    sizes = [
        min(variant.width, variant.height) if variant.width and variant.height else HD_PIXELS
        for variant in published.renditions
    ]
    hd = sum(1 for size in sizes if size >= HD_PIXELS)
    return BilledMinutes(hd=hd * minutes, sd=(len(sizes) - hd) * minutes)
