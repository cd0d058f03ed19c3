"""What an installation sets of an upload's life: durations, and what one edition may cost.

Both processes read it: the operator decides by it, the API tells people what is left. The rules themselves
are in controller/rules/machine.py.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.schedule import Timing
from domain.video import ObservedState


class UncertainSubmissionPolicy(StrEnum):
    """What follows a submission of which nobody ever knew whether it led to a job."""

    RESUBMIT = "resubmit"
    HOLD = "hold"


@dataclass(frozen=True)
class LifecyclePolicy:
    """``max_submissions``: paid submissions since the last edition or retry that a person asked for."""

    timing: Timing = field(default_factory=Timing)
    max_submissions: int = 3
    on_uncertain: UncertainSubmissionPolicy = UncertainSubmissionPolicy.RESUBMIT

    def submissions_left(self, observed: ObservedState) -> int:
        """Return how many more jobs this edition may buy by itself."""
        return max(0, self.max_submissions - (observed.attempt - observed.attempt_floor))
