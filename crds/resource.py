"""One VideoUpload resource as the API server answered it, free of any client library.

Reading and writing resources is in crds/client.py; what spec and status mean in crds/models.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crds.videoupload import RECONCILE_REQUESTED_ANNOTATION

# The annotation is free text of up to 256 KiB; the status that acknowledges it is not.
REQUEST_MAX = 128


@dataclass(frozen=True)
class Resource:
    """A resource at one resourceVersion. ``spec`` and ``status`` are as stored, not yet parsed.

    ``status`` is None until the operator has written one.
    """

    name: str
    namespace: str
    uid: str
    resource_version: str
    generation: int
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    status: Mapping[str, Any] | None = None
    deletion_timestamp: str | None = None

    @property
    def reconcile_request(self) -> str | None:
        """Return the nudge that a pass over this resource acknowledges in status."""
        request = self.annotations.get(RECONCILE_REQUESTED_ANNOTATION)
        return request[:REQUEST_MAX] if request else None


def resource_of(body: Mapping[str, Any]) -> Resource:
    """Read what the API server sent."""
    metadata = body["metadata"]
    status = body.get("status")
    return Resource(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=metadata["generation"],
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        spec=body["spec"],
        status=status if _is_written(status) else None,
        deletion_timestamp=metadata.get("deletionTimestamp"),
    )


def _is_written(status: Mapping[str, Any] | None) -> bool:
    """Tell a status from the API server's default, which says that no generation was observed yet."""
    return status is not None and status.get("observedGeneration", -1) >= 0
