"""Writes the row to the status of its resource, and records an Event for each transition.

The row is committed to Postgres first; a later pass or the resync repeats a write that fails here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import structlog

from controller.dependencies import Dependencies
from crds.events import ResourceEvent
from crds.models import clipped
from crds.resource import Resource, SignedBy
from crds.spec import differs_for_good, is_same_source
from crds.status import is_ahead_for_good, status_of
from domain.messages import Presentation, present
from domain.reasons import DELETED, PAUSED
from domain.records import VideoRow
from domain.video import DesiredState, Hindrance, ObservedState, Origin, Reason

log = structlog.get_logger(__name__)

_WARNING_REASONS = frozenset(
    {
        Reason.FILE_REJECTED.value,
        Reason.SUBMISSION_UNCERTAIN.value,
        Reason.SUBMISSION_HELD.value,
        Reason.SUBMISSIONS_PAUSED.value,
        PAUSED,
        *(hindrance.value for hindrance in Hindrance),
    }
)


def write_status(
    row: VideoRow, deps: Dependencies, now: datetime, *, latest: Resource | None = None, is_missing: bool = False
) -> Resource | None:
    """Make the resource show the row, and return it as written, None if there is none.

    ``latest``: the resource as this pass read or wrote it last; without it, it is read. ``is_missing``: there is
    probably none of this name, so it is made without being looked for: one that is there all the same takes no older
    spec. A resource with a newer observation than the row's is not written: the row is the one that is behind.
    Raises ConflictError, UnavailableError, RefusedError.
    """
    if row.retired:
        _remove(row, deps)
        return None
    if latest is None and (not is_missing or row.desired.origin is Origin.KUBERNETES):
        latest = deps.resources.get(row.desired.video_id)
    resource = _with_current_spec(row, latest, deps)
    if resource is None:
        return None
    if is_ahead_of(row, resource):
        revision = status_revision(resource)
        log.warning("newer_status_found", video_id=row.desired.video_id, status=revision, row=row.observed.revision)
        return resource
    return show_status(row.desired, row.observed, resource, deps, now)


def is_ahead_of(row: VideoRow, resource: Resource) -> bool:
    """Return whether the resource shows a newer observation than the row's."""
    return resource.status_signed_by.is_authentic and status_revision(resource) > row.observed.revision


def show_status(
    desired: DesiredState,
    observed: ObservedState,
    resource: Resource,
    deps: Dependencies,
    now: datetime,
    *,
    is_signed: bool = True,
) -> Resource:
    """Write the status if it or its signature changed, and record an Event for a transition. Return what was written.

    ``is_signed``: a row may be restored from it. Raises like `write_status`.
    """
    before = resource.status or {}
    presentation = present(desired, observed)
    status = status_of(observed, presentation, resource=resource, policy=deps.policy, now=now)
    if status == resource.status and (resource.status_signed_by is SignedBy.FIRST_KEY or not is_signed):
        return resource
    written = deps.resources.write_status(resource, status, is_signed=is_signed)
    deps.on_write(written)
    if _transition_key(before) != _transition_key(status):
        deps.events.record(
            ResourceEvent.about(
                written,
                type=_event_type(observed, presentation),
                reason=presentation.reason,
                message=clipped(presentation.message),
                at=now,
            )
        )
    return written


def status_revision(resource: Resource) -> int:
    """Return the revision of the observation that a resource shows; 0 before the first."""
    return int((resource.status or {}).get("revision", 0))


def _remove(row: VideoRow, deps: Dependencies) -> None:
    """Delete the resource of a retired row, in exactly the version that was read.

    An import stays: its owner applied it, and would apply it again.
    """
    if row.desired.origin is Origin.KUBERNETES:
        return
    resource = deps.resources.get(row.desired.video_id)
    if resource is None:
        return
    if not is_ahead_of(row, resource):
        _delete(resource, deps)


def _delete(resource: Resource, deps: Dependencies) -> None:
    deps.resources.delete(resource.name, uid=resource.uid, resource_version=resource.resource_version)


def _with_current_spec(row: VideoRow, resource: Resource | None, deps: Dependencies) -> Resource | None:
    """Return the resource with its spec brought up to the row's desired state. An import's spec is never written.

    None if an import's resource is gone or names another file: its status then says why that file is refused.
    """
    name = row.desired.video_id
    if row.desired.origin is Origin.KUBERNETES:
        return resource if resource is not None and is_same_source(resource, row.desired) else None
    if resource is not None:
        revision, signed_by = resource.spec.get("revision", 0), resource.spec_signed_by
        if signed_by.is_authentic and revision > row.desired.revision:
            return resource
        if signed_by is SignedBy.FIRST_KEY and revision == row.desired.revision and not _is_stuck(resource, row):
            return resource
        if _is_stuck(resource, row):
            log.warning("resource_replaced", video_id=name, error="a forged spec or status cannot be written over")
            _delete(resource, deps)
    applied = deps.resources.apply(row.desired)
    if applied is None:
        return deps.resources.get(name)
    deps.on_write(applied)
    return applied


def _is_stuck(resource: Resource, row: VideoRow) -> bool:
    """Return whether the API server would refuse the row over something that this service did not write."""
    if not resource.spec_signed_by.is_authentic and differs_for_good(resource, row.desired):
        return True
    return not resource.status_signed_by.is_authentic and is_ahead_for_good(resource.status or {}, row.observed)


def _transition_key(status: Mapping[str, Any]) -> tuple[object, ...]:
    return status.get("phase"), status.get("reason"), (status.get("work") or {}).get("attempt")


def _event_type(observed: ObservedState, presentation: Presentation) -> Literal["Normal", "Warning"]:
    is_bad = observed.failure is not None or presentation.reason in _WARNING_REASONS
    return "Warning" if is_bad and presentation.reason != DELETED else "Normal"
