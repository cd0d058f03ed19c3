"""An installation's limits on the life of an upload: durations, and what one edition may cost.

The operator decides by them, the API shows owners what is left. The rules are in controller/rules/machine.py.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from domain.schedule import Timing
from domain.spending import SpendingLimits
from domain.video import ObservedState


class UncertainSubmissionPolicy(StrEnum):
    """What to do when it remains unknown whether a submission led to a job."""

    RESUBMIT = "resubmit"
    HOLD = "hold"


@dataclass(frozen=True)
class LifecyclePolicy:
    """The limits of one installation.

    ``max_submissions``: paid submissions of one edition, counted from zero again after a retry. ``spending``:
    the limits of one owner, and of all of them together.
    """

    timing: Timing = field(default_factory=Timing)
    max_submissions: int = 3
    on_uncertain: UncertainSubmissionPolicy = UncertainSubmissionPolicy.RESUBMIT
    spending: SpendingLimits = field(default_factory=SpendingLimits)

    def submissions_left(self, observed: ObservedState) -> int:
        """Return how many more jobs this edition may buy without a person asking for it."""
        return max(0, self.max_submissions - (observed.attempt - observed.attempt_floor))
