"""All values of the REASON column."""

from pydantic.alias_generators import to_pascal

from domain.failures import FailureCode
from domain.video import Hindrance, Reason

# A failed upload shows its failure's code, in Pascal case.
FAILURE_REASONS = {code: to_pascal(code.value) for code in FailureCode}

# What a person did takes precedence over the operator's reason.
PAUSED = "Paused"
DELETED = "Deleted"
MOVING = "Moving"

SHOWN_REASONS = [
    *(reason.value for reason in (*Reason, *Hindrance)),
    PAUSED,
    DELETED,
    MOVING,
    *FAILURE_REASONS.values(),
]
