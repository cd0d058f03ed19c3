"""One pass: look, decide, do. Every cause leads here, and none of them changes what a pass does.

actions/status.py then shows the result in Kubernetes.
"""

from datetime import datetime

import structlog

from controller.actions.context import ReconcileContext, Result
from controller.actions.index import do
from controller.dependencies import Dependencies
from controller.loop.look import look
from controller.rules.machine import decide
from controller.rules.situation import situation_of
from controller.rules.steps import AnnotationRequest
from domain.records import Cause, VideoRow
from runtime import tracing

log = structlog.get_logger(__name__)


def reconcile(
    row: VideoRow,
    request: AnnotationRequest | None,
    deps: Dependencies,
    cause: Cause,
    now: datetime,
    *,
    is_unseen: bool = False,
) -> Result:
    """Bring one upload one step nearer to rest. Safe to repeat at any point.

    ``is_unseen``: no resource shows the row (rules/adoption.py), which may be from an older dump.
    Raises UnavailableError, RefusedError: nothing was done, so the pass must be repeated later.
    """
    situation = situation_of(row, request)  # pure
    snapshot = look(row, situation, deps, now, is_unseen=is_unseen)  # reads only what this situation needs
    step = decide(row, situation, snapshot, now, deps.policy)  # pure
    result = do(step, ReconcileContext(row, deps, cause, now))  # one effect, and the observation that follows
    if result.step is not None:
        _log_step(row, result, cause)
    return result


def _log_step(before: VideoRow, result: Result, cause: Cause) -> None:
    after = result.row.observed
    tracing.note(step=str(result.step), phase=str(after.phase), reason=str(after.reason))
    log.info(
        "step_taken",
        video_id=before.desired.video_id,
        step=result.step,
        cause=str(cause),
        phase=str(after.phase),
        reason=str(after.reason),
        attempt=after.attempt,
    )
