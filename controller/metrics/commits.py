"""What to count for one commit: a pure function of the row before and after. The counters are in registry.py.

Every durable change is a commit, so counting commits is enough, and the rules need not know about metrics.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from domain.failures import FailureCode
from domain.records import AttemptChange, AttemptState, Intend, VideoRow
from domain.spending import HD_PIXELS, PriceClass
from domain.video import AT_REST, ObservedState, Phase, Published, Reason


@dataclass(frozen=True)
class EditionEnd:
    """The end of an edition. ``failure``: None when it became ready."""

    phase: Phase
    failure: FailureCode | None


@dataclass(frozen=True)
class PhaseDuration:
    """How long an upload stayed in a phase before leaving it."""

    phase: Phase
    seconds: float


@dataclass(frozen=True)
class CommitMetrics:
    """What to count for one commit.

    ``submission``: the state that an attempt reached. ``submission_seconds``: from the file's verification to its first
    intent, unless a limit or the breaker delayed it. ``transcode_seconds``: from the accepted submission to the commit
    of its outputs. ``minutes``: the billed output of a job, summed over its variants and MP4 files.
    ``settled_job``: the job that this commit settled.
    """

    ending: EditionEnd | None = None
    stay: PhaseDuration | None = None
    submission: AttemptState | None = None
    submission_seconds: float | None = None
    transcode_seconds: float | None = None
    minutes: Mapping[PriceClass, float] | None = None
    settled_job: str | None = None


def metrics_of(before: VideoRow, after: VideoRow, attempt: AttemptChange | None) -> CommitMetrics:
    """Return what to count for this commit."""
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
        submission_seconds=_submission_seconds(was, attempt),
        transcode_seconds=_transcode_seconds(was, attempt),
        minutes=_minutes(now.published) if is_paid and now.published is not None else None,
        settled_job=was.job_id if settled in {AttemptState.COMPLETED, AttemptState.FAILED} else None,
    )


def _submission_seconds(was: ObservedState, attempt: AttemptChange | None) -> float | None:
    is_first = isinstance(attempt, Intend) and attempt.attempt == was.attempt_floor + 1
    if not is_first or was.reason is not Reason.WAITING_FOR_SUBMISSION or attempt is None:
        return None
    return max(0.0, (attempt.at - was.phase_since).total_seconds())


def _transcode_seconds(was: ObservedState, attempt: AttemptChange | None) -> float | None:
    if attempt is None or isinstance(attempt, Intend) or attempt.state is not AttemptState.COMPLETED:
        return None
    if was.phase is not Phase.PROCESSING:
        return None  # its submission was never confirmed; only its outputs were found
    return max(0.0, (attempt.at - was.phase_since).total_seconds())


def _minutes(published: Published) -> Mapping[PriceClass, float]:
    """Count a variant of unknown size as HD: better to overstate the cost than to understate it."""
    minutes = published.duration_seconds / 60
    sizes = [
        min(variant.width, variant.height) if variant.width and variant.height else HD_PIXELS
        for variant in published.renditions
    ]
    counts = Counter(PriceClass.of(size) for size in (*sizes, *published.mp4_heights))
    return {price_class: count * minutes for price_class, count in counts.items()}
