"""The configurable limits of the audit. settings.py reads them; the checks and the schedule apply them."""

from dataclasses import dataclass, field
from datetime import timedelta

from domain.schedule import Timing


@dataclass(frozen=True)
class AuditRules:
    """Budgets and periods. ``max_heals``: how many editions the audit may ever buy for one video. ``heals_per_audit``:
    the same for all videos in one run, so that a lost bucket does not become a bill. ``timing``: of the passes.
    """

    max_heals: int = 3
    heals_per_audit: int = 10
    superseded_after: timedelta = timedelta(days=1)
    quarantined_for: timedelta = timedelta(days=7)
    overdue_after: timedelta = timedelta(minutes=10)
    quarantined_per_audit: int = 1_000
    timing: Timing = field(default_factory=Timing)


@dataclass(frozen=True)
class AuditSchedule:
    """Seconds between two runs of each mode, and the pace of a full run."""

    light_seconds: float
    full_seconds: float
    videos_per_second: float

    @property
    def first_full_seconds(self) -> float:
        """Return the seconds until a new leader's first full run.

        Short enough that a leader replaced every few hours still audits, long enough that a restart loop does not.
        """
        return self.full_seconds / 10

    @property
    def playlists_per_second(self) -> float:
        """Return the pace of a light run, which needs one request for each video instead of about ten."""
        return self.videos_per_second * 10
