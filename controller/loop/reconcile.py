"""One pass: look, decide, do. Every cause leads here, and none of them changes what a pass does.

What people see of it afterwards is in status.py.
"""

from datetime import datetime

import structlog

from controller.actions.context import ReconcileContext, Result
from controller.actions.index import do
from controller.dependencies import Dependencies
from controller.loop.look import look
from controller.rules.machine import decide
from controller.rules.steps import AnnotationRequest
from domain.records import Cause, VideoRow

log = structlog.get_logger(__name__)


def reconcile(
    row: VideoRow, asked: AnnotationRequest | None, deps: Dependencies, cause: Cause, now: datetime
) -> Result:
    """Bring one upload one step nearer to rest. Safe to repeat at any point.

    Raises UnavailableError, RefusedError: the pass came to nothing and is to be repeated later.
    """
    snapshot = look(row, asked, deps)  # asks only what this phase needs
    step = decide(row, snapshot, now, deps.rules)  # pure
    outcome = do(step, ReconcileContext(row, deps, cause, now))  # one effect, and the observation that follows
    if outcome.step is not None:
        _tell(row, outcome, cause)
    return outcome


def _tell(before: VideoRow, outcome: Result, cause: Cause) -> None:
    after = outcome.row.observed
    log.info(
        "step",
        video=before.desired.video_id,
        step=outcome.step,
        cause=str(cause),
        phase=str(after.phase),
        reason=str(after.reason),
        attempt=after.attempt,
    )
