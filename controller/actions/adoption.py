"""Before a pass decides anything, its row takes over what the resource has in a newer revision, or else the bucket.

rules/adoption.py decides what the row takes over. If the resource cannot be read, the pass ends here: a row that may be
behind must not pay for anything.
"""

from datetime import datetime
from typing import assert_never

import structlog

from controller.actions.status import show_status
from controller.dependencies import Dependencies
from controller.rules.adoption import (
    AdoptRow,
    DeleteResource,
    RejectResource,
    RestoreRow,
    for_existing_row,
    for_missing_row,
    is_unseen,
    lost_deletion,
    needs_read,
    refused,
)
from controller.rules.cached_resource import CachedResource
from crds.resource import Resource
from crds.spec import desired_state_of, origin_of
from domain.errors import ConflictError, RefusedError, UnavailableError
from domain.marks import Marks
from domain.records import VideoRow
from domain.video import AT_REST, Origin

log = structlog.get_logger(__name__)


def restore_row(
    name: str, row: VideoRow | None, cached: CachedResource | None, deps: Dependencies, now: datetime
) -> VideoRow | None:
    """Return the row, restored from its resource if it was behind; None if the upload has no row.

    Raises ConflictError, UnavailableError, RefusedError.
    """
    if not needs_read(row, cached):
        return _with_deletion(row, deps, now) if row is not None and is_unseen(row, cached) else row
    resource = deps.resources.get(name)
    if row is None:
        return None if resource is None or _is_leaving(resource) else _begin(resource, deps, now)
    decision = for_existing_row(row, resource)
    return row if decision is None else _restore(row, resource, decision, deps, now)


def restore_deletion(row: VideoRow, marks: Marks, deps: Dependencies, now: datetime) -> VideoRow | None:
    """Delete a video again whose deletion only the bucket knows; None if it knows none. Raises UpstreamError."""
    desired = lost_deletion(row.desired, marks)
    if desired is None:
        return None
    return _log_row("row_restored", deps.adoption.learn(row, desired=desired, at=now), row.desired.video_id)


def _with_deletion(row: VideoRow, deps: Dependencies, now: datetime) -> VideoRow:
    try:
        return restore_deletion(row, deps.storage.marks(row.desired.video_id), deps, now) or row
    except (UnavailableError, RefusedError) as error:
        # An upload in progress continues: its deadline must hold, and a submission reads the marks again. At rest,
        # nothing else reads them.
        if row.observed.phase in AT_REST:
            raise
        log.warning("no_response_received", video_id=row.desired.video_id, error=str(error))
        return row


def _is_leaving(resource: Resource) -> bool:
    """Return whether an import is being deleted, so that no work may begin. A resource of the API is made again."""
    return resource.is_terminating and origin_of(resource) is Origin.KUBERNETES


def _begin(resource: Resource, deps: Dependencies, now: datetime) -> VideoRow | None:
    last_attempt = deps.retention.last_attempt(resource.name)
    decision = for_missing_row(resource, last_attempt, now, deps.policy.timing, region=deps.region)
    match decision:
        case AdoptRow():
            row = deps.adoption.adopt(decision.desired, decision.observed, created_at=resource.created_at, at=now)
            return _log_row("row_adopted", row, resource.name)
        case RejectResource():
            _reject(resource, decision.why, deps, now)
            return None
        case DeleteResource():
            deps.resources.delete(resource.name, uid=resource.uid, resource_version=resource.resource_version)
            log.info("orphan_resource_deleted", video_id=resource.name)
            return None
        case _:
            assert_never(decision)


def _restore(
    row: VideoRow, resource: Resource | None, decision: RestoreRow, deps: Dependencies, now: datetime
) -> VideoRow:
    if decision.refusal is not None and resource is not None:
        _reject(resource, decision.refusal, deps, now)
    if decision.desired is None and decision.observed is None:
        return row
    restored = deps.adoption.learn(row, desired=decision.desired, observed=decision.observed, at=now)
    return _log_row("row_restored", restored, row.desired.video_id)


def _reject(resource: Resource, why: str, deps: Dependencies, now: datetime) -> None:
    # Signing a forged status would make the numbers in it count.
    is_signed = resource.status is None or resource.status_signed_by.is_authentic
    show_status(desired_state_of(resource), refused(resource, why, now), resource, deps, now, is_signed=is_signed)


def _log_row(event: str, row: VideoRow | None, video_id: str) -> VideoRow:
    if row is None:
        raise ConflictError(f"restoring the row of {video_id}: it changed meanwhile")
    log.info(
        event,
        video_id=video_id,
        desired=row.desired.revision,
        observed=row.observed.revision,
        phase=str(row.observed.phase),
        attempt=row.observed.attempt,
    )
    return row
