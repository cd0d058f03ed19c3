"""One pass: look, decide, do, show. Every cause leads here, and none of them changes what a pass does."""

from datetime import datetime

import structlog

from controller.effects import Outcome, Pass, do
from controller.look import look
from controller.machine import decide
from controller.world import World
from crds.resource import Resource
from crds.status import status_of
from desired.rows import Cause, VideoRow

log = structlog.get_logger(__name__)


def reconcile(row: VideoRow, world: World, cause: Cause, now: datetime) -> Outcome:
    """Bring one upload one step nearer to rest. Safe to repeat at any point.

    Raises UnavailableError, RefusedError: the pass came to nothing and is to be repeated later.
    """
    seen = look(row, world)  # asks only what this phase needs
    step = decide(row, seen, now, world.rules)  # pure
    outcome = do(step, Pass(row, world, cause, now))  # one effect, and the observation that follows
    if outcome.step is not None:
        _tell(row, outcome, cause)
    return outcome


def project(row: VideoRow, world: World, now: datetime) -> None:
    """Make the resource show the row. Raises ConflictError, UnavailableError, RefusedError.

    A resource that shows a newer observation than the row is left alone: it is the row that is behind.
    """
    resource = _with_current_spec(row, world)
    if resource is None:
        return
    shown = (resource.status or {}).get("revision", 0)
    if shown > row.observed.revision:
        log.warning("status_is_ahead_of_the_row", video=row.wish.video_id, shown=shown, row=row.observed.revision)
        return
    status = status_of(row.wish, row.observed, resource=resource, now=now)
    if status != resource.status:
        world.resources.write_status(resource.name, resource_version=resource.resource_version, status=status)


def _with_current_spec(row: VideoRow, world: World) -> Resource | None:
    """Return the resource after its spec was brought to the wish; None if it is to have none."""
    name = row.wish.video_id
    resource = world.resources.get(name)
    if resource is not None and resource.spec.get("revision", 0) >= row.wish.revision:
        return resource
    if resource is None and row.retired:
        return None
    world.resources.apply(row.wish)
    return world.resources.get(name)


def _tell(before: VideoRow, outcome: Outcome, cause: Cause) -> None:
    after = outcome.row.observed
    log.info(
        "step",
        video=before.wish.video_id,
        step=outcome.step,
        cause=str(cause),
        phase=str(after.phase),
        reason=str(after.reason),
        attempt=after.attempt,
    )
