"""How a pass ends, in controller-runtime's words."""

from enum import StrEnum


class PassResult(StrEnum):
    """The result of one pass. `panic`: an exception that no rule expects."""

    SUCCESS = "success"
    REQUEUE = "requeue"
    REQUEUE_AFTER = "requeue_after"
    ERROR = "error"
    PANIC = "panic"
