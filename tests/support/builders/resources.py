"""Resources for tests: what the cluster holds for a desired and an observed state."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from crds.resource import Resource
from crds.spec import manifest_of
from crds.status import status_of
from domain.messages import present
from domain.policy import LifecyclePolicy
from domain.video import DesiredState, ObservedState
from tests.support.builders.rows import NOON

NAMESPACE = "video-uploads"


def a_resource(desired: DesiredState, **changes: Any) -> Resource:
    """Return the resource of a desired state, before any status."""
    body = manifest_of(desired, namespace=NAMESPACE)
    resource = Resource(
        name=desired.video_id,
        namespace=NAMESPACE,
        uid="uid-1",
        resource_version="1",
        generation=1,
        labels=body["metadata"]["labels"],
        spec=body["spec"],
    )
    return replace(resource, **changes)


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
