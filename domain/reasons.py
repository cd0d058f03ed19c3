"""The reasons that people see in the REASON column."""

from pydantic.alias_generators import to_pascal

from domain.failures import FailureCode
from domain.video import Reason

# In the REASON column a failed upload shows why it failed: the failure's code, written as a reason.
FAILURE_REASONS = {code: to_pascal(code.value) for code in FailureCode}


# What a person did outranks what the operator found.
PAUSED = "Paused"


DELETED = "Deleted"


SHOWN_REASONS = [*(reason.value for reason in Reason), PAUSED, DELETED, *FAILURE_REASONS.values()]
