"""Decides what a row takes over from its resource, and which resources get no row. Pure; time enters as `now`.

A row is behind its resource after Postgres was restored from an older dump, and whenever an import is edited: its
resource is its desired state. Spec and status of a resource count only if this service signed them, apart from the
spec of an import. Once the resource has left Kubernetes, the marks in the bucket are what is left to learn from.
actions/adoption.py carries the decisions out.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError

from controller.rules.cached_resource import CachedResource
from controller.rules.situation import Paused, Resting, Uploading, situation_of
from crds.resource import Resource
from crds.spec import desired_state_of, import_digest_of, is_same_source, spec_of
from crds.status import observed_of
from domain import object_keys
from domain.errors import RefusedError
from domain.failures import Failure, FailureCode
from domain.marks import Marks
from domain.records import VideoRow
from domain.schedule import Timing, first_observation
from domain.video import DesiredState, ObservedState, Origin, Phase, Reason, Visibility, is_video_id

TAKEN = "the name belongs to another file that was imported before; it becomes free some days after its deletion"
DELETED = "spec.deleted is set, so there is nothing to import"
NO_LABEL = "the name is longer than 63 characters or has others than a-z, 0-9 and -"
NOT_OURS = "it carries the API's label, but its signature is missing or wrong"

# How far a revision may be ahead of a restored row: more changes than a lost day brings are not ours, even if signed.
_LEAP_MAX = 1_000_000


@dataclass(frozen=True)
class AdoptRow:
    """There is no row for this resource: make one."""

    desired: DesiredState
    observed: ObservedState


@dataclass(frozen=True)
class RestoreRow:
    """The row is behind. ``refusal``: why the resource of its name does not belong to it."""

    desired: DesiredState | None = None
    observed: ObservedState | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class RejectResource:
    """This resource gets no row; its status says why."""

    why: str


@dataclass(frozen=True)
class DeleteResource:
    """This resource remains of a purged video: delete it."""


def needs_read(row: VideoRow | None, cached: CachedResource | None) -> bool:
    """Return whether the resource may be ahead of the row: only then is it read from the API server."""
    if row is None:
        return cached is not None
    if cached is None:
        return row.desired.origin is Origin.KUBERNETES and not row.desired.deleted
    if cached.is_ahead(row.revisions):
        return True
    if row.desired.origin is not Origin.KUBERNETES:
        return False
    if cached.is_terminating:
        return not row.desired.deleted
    if cached.status_revision > row.observed.revision:
        return True
    return row.desired.owner != "" or cached.import_digest != import_digest_of(spec_of(row.desired))


def is_unseen(row: VideoRow, cached: CachedResource | None) -> bool:
    """Return whether no resource shows an observation of this row, so that only the bucket can be ahead of it.

    The resource has retired, was lost, was just made, or has a status that is not ours. An import's is applied by its
    owner.
    """
    if row.desired.origin is not Origin.API or row.retired:
        return False
    return cached is None or cached.status_revision == 0 or not cached.status_signed_by.is_authentic


def lost_deletion(desired: DesiredState, marks: Marks) -> DesiredState | None:
    """Return the newer desired state in which an API's video is deleted; None if the bucket has no mark of that.

    A row that is deleted takes over the revision alone, so that a restore is newer than the mark.
    """
    revision = marks.deleted_revision
    if desired.origin is not Origin.API or revision is None or revision <= desired.revision:
        return None
    return replace(desired, deleted=True, revision=revision)


def in_sync(row: VideoRow | None, cached: CachedResource) -> bool:
    """Return whether the resource has a row that needs it and is not behind it."""
    return row is not None and not row.retired and not row.desired.deleted and not needs_read(row, cached)


def only_waits(row: VideoRow, cached: CachedResource, now: datetime) -> bool:
    """Return whether an upload only waits for its file or is at rest, and its resource shows that.

    It then needs no pass before its next scheduled check, unless its deadline passed while no operator ran.
    """
    deadline = row.observed.deadline_at
    return (
        cached.is_current(row.revisions)
        and isinstance(situation_of(row, cached.requested), Uploading | Paused | Resting)
        and (deadline is None or now < deadline)
        and not row.has_captions_due
        and not row.has_poster_due
    )


def for_missing_row(
    resource: Resource, last_attempt: int | None, now: datetime, timing: Timing, *, region: str = ""
) -> AdoptRow | RejectResource | DeleteResource:
    """Decide about a resource that has no row.

    ``last_attempt``: that of a purged video of this name, if any. ``region``: the installation's; empty for any.
    """
    desired = _desired(resource)
    if desired.origin is Origin.API and last_attempt is not None:
        return DeleteResource()
    why = _refusal(desired, resource) or _foreign_region(desired, resource, region)
    if why is not None:
        return RejectResource(why)
    return AdoptRow(desired, _observation(resource, last_attempt, now, timing))


def for_existing_row(row: VideoRow, resource: Resource | None) -> RestoreRow | None:
    """Decide what a row takes over from the resource that now has its name; None if nothing."""
    is_import = row.desired.origin is Origin.KUBERNETES
    if resource is None or not is_same_source(resource, row.desired):
        return _released_import(row, resource) if is_import else None
    if is_import and resource.is_terminating:
        # Finalizers may keep it for long. Its owner wants it gone from now on.
        return _released_import(row, None)
    observed = _newer_observation(row.observed, resource)
    if observed is not None and observed.is_playable and row.desired.deleted:
        # A pass or an audit over the older row may have withdrawn the files: they are brought back and looked at first.
        observed = replace(observed, revision=observed.revision + 1, is_playable=False, is_withdrawn=True)
    if observed is None and is_import:
        observed = _after_forged_status(row.observed, resource)
    decision = RestoreRow(_newer_desired_state(row.desired, resource), observed)
    return None if decision == RestoreRow() else decision


def _refusal(desired: DesiredState, resource: Resource) -> str | None:
    if not is_video_id(desired.video_id):
        return NO_LABEL
    if desired.origin is Origin.API:
        return None if resource.spec_signed_by.is_authentic else NOT_OURS
    if desired.deleted:
        return DELETED
    if not object_keys.is_import_of(resource.namespace, desired.storage_key):
        prefix = f"{object_keys.IMPORTS_PREFIX}{resource.namespace}/"
        return f"the key does not name a file under {prefix}{_flaw(desired.storage_key)}"
    return None


def _foreign_region(desired: DesiredState, resource: Resource, region: str) -> str | None:
    """Refuse an import from another region, unless it was accepted before: its file was found in ours."""
    current = _own_observation(resource)
    has_begun = current is not None and not _is_refusal(current)
    if desired.origin is Origin.API or has_begun or not region or desired.region in {"", region}:
        return None
    return f'spec.source.region is "{desired.region}", and files are imported from "{region}" only'


def _flaw(key: str) -> str:
    if key.endswith("/"):
        return "; it names a folder"
    return "; it has an empty folder name, or one of dots" if {"", ".", ".."} & set(key.split("/")) else ""


def _observation(resource: Resource, last_attempt: int | None, now: datetime, timing: Timing) -> ObservedState:
    """Take over the resource's observation; start over if it has none of ours, or one of a purged video."""
    current = _own_observation(resource)
    if current is not None and not _is_refusal(current) and (last_attempt is None or current.attempt > last_attempt):
        return current
    # Neither number may decrease on a resource, and a job never moves to another attempt.
    attempt = max(last_attempt or 0, current.attempt if current else 0)
    return replace(
        first_observation(now, timing),
        revision=_shown_revision(resource) + 1,
        attempt=attempt,
        attempt_floor=attempt,
        job_id=current.job_id if current and current.attempt == attempt else None,
        # Attempts are counted on from those of a purged video, whose files are gone.
        is_private=_desired(resource).visibility is Visibility.PRIVATE,
    )


def _released_import(row: VideoRow, resource: Resource | None) -> RestoreRow | None:
    """Release an import whose resource is gone, unless its video is to play on.

    Another file of the same name has to wait for the purge.
    """
    is_kept = row.desired.deleted or row.is_retained
    released = None if is_kept else replace(row.desired, deleted=True, revision=row.desired.revision + 1)
    if resource is not None:
        return RestoreRow(desired=released, refusal=TAKEN)
    return None if released is None else RestoreRow(desired=released)


def _newer_desired_state(before: DesiredState, resource: Resource) -> DesiredState | None:
    desired = _desired(resource)
    if before.origin is Origin.API:
        is_ours = desired.origin is Origin.API and resource.spec_signed_by.is_authentic
        if not (is_ours and before.revision < desired.revision <= before.revision + _LEAP_MAX):
            return None
        # All else was fixed when the video was created.
        return replace(
            before,
            revision=desired.revision,
            title=desired.title,
            visibility=desired.visibility,
            edition=desired.edition,
            retries=desired.retries,
            confirmations=desired.confirmations,
            deleted=desired.deleted,
        )
    # A resource that is applied again after its release counts from the start; its row does not.
    followed = replace(
        desired,
        owner="",
        revision=before.revision,
        origin=before.origin,
        edition=max(desired.edition, before.edition),
        retries=max(desired.retries, before.retries),
        confirmations=max(desired.confirmations, before.confirmations),
    )
    return None if followed == before else replace(followed, revision=before.revision + 1)


def _newer_observation(before: ObservedState, resource: Resource) -> ObservedState | None:
    current = _own_observation(resource)
    if current is None or not before.revision < current.revision <= before.revision + _LEAP_MAX:
        return None
    if current.attempt < before.attempt:
        # The row has paid for an attempt that the resource does not have: its work is newer.
        return replace(before, revision=current.revision + 1)
    return current


def _after_forged_status(before: ObservedState, resource: Resource) -> ObservedState | None:
    """Return the observation numbered above a forged status, as the API server refuses lower ones; None if not needed.

    Above a status that was forged too high to follow there is none either. A resource of the API is made again instead.
    """
    revision = _shown_revision(resource)
    return replace(before, revision=revision + 1) if before.revision < revision <= _LEAP_MAX else None


def refused(resource: Resource, why: str, now: datetime) -> ObservedState:
    """Return the observation of a refused resource; unchanged if the resource has it already.

    It takes nothing back that the status says, signed or not: the API server would refuse that.
    """
    current = _status_observation(resource)
    attempt = current.attempt if current else 0
    failure = Failure(FailureCode.IMPORT_REFUSED, why, attempt)
    if current is not None and current.failure == failure:
        return current
    return ObservedState(
        revision=current.revision if current else 0,
        phase=Phase.ERRORED,
        phase_since=now,
        reason=Reason.FAILED,
        message=why,
        deadline_at=None,
        attempt=attempt,
        attempt_floor=attempt,
        job_id=current.job_id if current else None,
        failure=failure,
    )


def _is_refusal(current: ObservedState) -> bool:
    return current.failure is not None and current.failure.code is FailureCode.IMPORT_REFUSED


def _desired(resource: Resource) -> DesiredState:
    try:
        return desired_state_of(resource)
    except ValidationError as error:
        raise RefusedError("reading a spec at Kubernetes: it is not of this release") from error


def _own_observation(resource: Resource) -> ObservedState | None:
    return _status_observation(resource) if resource.status_signed_by.is_authentic else None


def _shown_revision(resource: Resource) -> int:
    """Return the revision below which the API server refuses a status; 0 if a forged one is too high to follow."""
    revision = int((resource.status or {}).get("revision", 0))
    return revision if resource.status_signed_by.is_authentic or revision <= _LEAP_MAX else 0


def _status_observation(resource: Resource) -> ObservedState | None:
    try:
        return None if resource.status is None else observed_of(resource.status)
    except ValidationError as error:
        raise RefusedError("reading a status at Kubernetes: it is not of this release") from error
