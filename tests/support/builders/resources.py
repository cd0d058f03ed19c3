"""Resources for tests: what the cluster holds for a desired and an observed state."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from crds.resource import Resource, SignedBy
from crds.signature import Signatures
from crds.spec import manifest_of, origin_of
from crds.status import status_of
from domain.messages import present
from domain.policy import LifecyclePolicy
from domain.video import DesiredState, ObservedState, Origin
from tests.support.builders.rows import NOON

NAMESPACE = "video-uploads"
SIGNATURES = Signatures(["the-key-of-the-tests-of-32-bytes"])


def a_resource(desired: DesiredState, **changes: Any) -> Resource:
    """Return the resource of a desired state, before any status. It counts as signed unless ``changes`` say more."""
    body = manifest_of(desired, namespace=NAMESPACE, signatures=SIGNATURES)
    resource = Resource(
        name=desired.video_id,
        namespace=NAMESPACE,
        uid="uid-1",
        resource_version="1",
        generation=1,
        labels=body["metadata"]["labels"],
        spec=body["spec"],
    )
    return as_signed(replace(resource, **changes)) if "spec_signed_by" not in changes else replace(resource, **changes)


def as_signed(resource: Resource) -> Resource:
    """Return the resource as if this service had written all that it signs."""
    is_ours = origin_of(resource) is Origin.API
    return replace(
        resource,
        spec_signed_by=SignedBy.FIRST_KEY if is_ours else SignedBy.UNVERIFIED,
        status_signed_by=SignedBy.UNVERIFIED if resource.status is None else SignedBy.FIRST_KEY,
    )


def a_status(
    desired: DesiredState,
    observed: ObservedState,
    *,
    resource: Resource | None = None,
    policy: LifecyclePolicy | None = None,
    now: datetime = NOON,
) -> dict[str, Any]:
    """Return the status that a pass writes for this observation."""
    return status_of(
        observed,
        present(desired, observed),
        resource=resource or a_resource(desired),
        policy=policy or LifecyclePolicy(),
        now=now,
    )
