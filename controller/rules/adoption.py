"""What a row has to learn from its resource, and which resources get no row. Pure; time enters as `now`.

A row is behind its resource after Postgres came back from an older dump, and each time that somebody changes an
import, whose wish is the resource itself. Carrying a lesson out is in adoption.py.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from controller.rules.cached_resource import CachedResource
from crds.resource import Resource
from crds.spec import desired_state_of, digest_of, is_same_source, spec_of
from crds.status import observed_of
from domain import object_keys
from domain.errors import RefusedError
from domain.failures import Failure, FailureCode
from domain.records import VideoRow
from domain.schedule import Timing, first_observation
from domain.video import DesiredState, ObservedState, Origin, Phase, Reason, is_video_id

TAKEN = "the name belongs to another file that was imported before; it becomes free some days after its deletion"
DELETED = "spec.deleted is set, so there is nothing to import"
NO_LABEL = "the name is longer than 63 characters or has others than a-z, 0-9 and -"
NOT_OURS = "it carries the API's label, but the API did not make it"


@dataclass(frozen=True)
class Adopt:
    """There is no row for this resource: make one."""

    desired: DesiredState
    observed: ObservedState


@dataclass(frozen=True)
class Restore:
    """The row is behind. ``refusal``: why the resource that now has its name is none of its own."""

    desired: DesiredState | None = None
    observed: ObservedState | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class Reject:
    """This resource gets no row, and is to say why."""

    why: str


@dataclass(frozen=True)
class Delete:
    """What is left over of a purged video."""


def needs_read(row: VideoRow | None, known: CachedResource | None) -> bool:
    """Tell whether the resource may have something to teach: only then is the API server asked for it."""
    if row is None:
        return known is not None
    if known is None:
        return row.desired.origin is Origin.KUBERNETES and not row.desired.deleted
    if known.is_ahead(
        row.desired.origin, desired_revision=row.desired.revision, observed_revision=row.observed.revision
    ):
        return True
    return row.desired.origin is Origin.KUBERNETES and known.import_digest != digest_of(spec_of(row.desired))


def in_sync(row: VideoRow | None, known: CachedResource) -> bool:
    """Tell whether a resource has a row that wants it and is not behind it."""
    return row is not None and not row.retired and not row.desired.deleted and not needs_read(row, known)


def for_missing_row(
    resource: Resource, last_attempt: int | None, now: datetime, timing: Timing
) -> Adopt | Reject | Delete:
    """Decide about a resource that has no row. ``last_attempt``: of a purged video of its name, None without one."""
    desired = _desired(resource)
    if desired.origin is Origin.API and last_attempt is not None:
        return Delete()
    why = _refusal(desired, resource.namespace)
    if why is not None:
        return Reject(why)
    return Adopt(desired, _observation(resource, last_attempt, now, timing))


def for_existing_row(row: VideoRow, resource: Resource | None) -> Restore | None:
    """Decide what a row learns from the resource that now has its name; None if nothing."""
    if resource is None or not is_same_source(resource, row.desired):
        return _released_import(row, resource) if row.desired.origin is Origin.KUBERNETES else None
    lesson = Restore(_newer_desired_state(row.desired, _desired(resource)), _newer_observation(row.observed, resource))
    return None if lesson == Restore() else lesson


def _refusal(desired: DesiredState, namespace: str) -> str | None:
    if not is_video_id(desired.video_id):
        return NO_LABEL
    if desired.origin is Origin.API:
        always = (desired.owner, desired.title, desired.filename, desired.content_type, desired.region)
        is_ours = desired.storage_key.startswith(object_keys.original_prefix(desired.video_id)) and all(always)
        return None if is_ours else NOT_OURS
    if desired.deleted:
        return DELETED
    if not object_keys.is_import_of(namespace, desired.storage_key):
        return f"the file does not lie under {object_keys.IMPORTS_PREFIX}{namespace}/"
    return None


def _observation(resource: Resource, last_attempt: int | None, now: datetime, timing: Timing) -> ObservedState:
    """Take over what the resource shows; begin anew where that tells of no work, or of work that was purged."""
    shown = _shown(resource)
    if shown is not None and not _is_refusal(shown) and (last_attempt is None or shown.attempt > last_attempt):
        return shown
    # Neither number may fall on a resource that shows one, and a job belongs to its attempt for ever.
    attempt = max(last_attempt or 0, shown.attempt if shown else 0)
    return replace(
        first_observation(now, timing),
        revision=shown.revision + 1 if shown else 1,
        attempt=attempt,
        attempt_floor=attempt,
        job_id=shown.job_id if shown and shown.attempt == attempt else None,
    )


def _released_import(row: VideoRow, resource: Resource | None) -> Restore | None:
    """Release an import whose resource is gone. Another one of the same name has to wait for the purge."""
    released = None if row.desired.deleted else replace(row.desired, deleted=True, revision=row.desired.revision + 1)
    if resource is not None:
        return Restore(desired=released, refusal=TAKEN)
    return None if released is None else Restore(desired=released)


def _newer_desired_state(before: DesiredState, said: DesiredState) -> DesiredState | None:
    if before.origin is Origin.API:
        return said if said.origin is Origin.API and said.revision > before.revision else None
    # Applied again after its release, a resource begins to count again; the row does not.
    followed = replace(
        said,
        revision=before.revision,
        origin=before.origin,
        edition=max(said.edition, before.edition),
        retries=max(said.retries, before.retries),
        confirmations=max(said.confirmations, before.confirmations),
    )
    return None if followed == before else replace(followed, revision=before.revision + 1)


def _newer_observation(before: ObservedState, resource: Resource) -> ObservedState | None:
    shown = _shown(resource)
    if shown is None or shown.revision <= before.revision:
        return None
    if shown.attempt < before.attempt:
        # The row has paid for something that the resource never heard of: its work is the newer one.
        return replace(before, revision=shown.revision + 1)
    return shown


def refused(resource: Resource, why: str, now: datetime) -> ObservedState:
    """Return what a resource without a row is to show; the same again as long as it shows it."""
    shown = _shown(resource)
    attempt = shown.attempt if shown else 0
    failure = Failure(FailureCode.IMPORT_REFUSED, why, attempt)
    if shown is not None and shown.failure == failure:
        return shown
    return ObservedState(
        revision=shown.revision if shown else 0,
        phase=Phase.ERRORED,
        phase_since=now,
        reason=Reason.FAILED,
        message=why,
        deadline_at=None,
        attempt=attempt,
        attempt_floor=attempt,
        job_id=shown.job_id if shown else None,
        failure=failure,
    )


def _is_refusal(shown: ObservedState) -> bool:
    return shown.failure is not None and shown.failure.code is FailureCode.IMPORT_REFUSED


def _desired(resource: Resource) -> DesiredState:
    try:
        return desired_state_of(resource)
    except ValidationError as error:
        raise RefusedError("reading a spec at Kubernetes: it is not of this release") from error


def _shown(resource: Resource) -> ObservedState | None:
    try:
        return None if resource.status is None else observed_of(resource.status)
    except ValidationError as error:
        raise RefusedError("reading a status at Kubernetes: it is not of this release") from error
