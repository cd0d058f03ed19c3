"""What an installation sets of the audit. Values only: settings make them, judging and turns go by them."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class AuditRules:
    """``max_heals``: editions that one video may cost without anybody asking, ever. ``heals_per_audit``: the same for
    all videos in one turn, so that a lost bucket does not become a bill.
    """

    max_heals: int = 3
    heals_per_audit: int = 10
    superseded_after: timedelta = timedelta(days=1)
    quarantined_for: timedelta = timedelta(days=7)
    overdue_after: timedelta = timedelta(minutes=10)
    quarantined_per_audit: int = 1_000


@dataclass(frozen=True)
class AuditSchedule:
    """How often the operator audits, in seconds as they run, and at which pace."""

    light_seconds: float
    full_seconds: float
    videos_per_second: float

    @property
    def first_full_seconds(self) -> float:
        """Return when a new leader looks at everything: soon enough for one that is replaced every few hours, late
        enough for one that is restarted all the time.
        """
        return self.full_seconds / 10

    @property
    def playlists_per_second(self) -> float:
        """Return the pace of a turn that looks at nothing else: one request for a video instead of about ten."""
        return self.videos_per_second * 10
