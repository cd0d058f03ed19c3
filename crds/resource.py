"""One VideoUpload resource as the API server returned it, without types of any client library.

Reading and writing resources is in crds/client.py; what spec and status mean is in crds/models.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Self

from domain.video import PAUSED_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION, RETRY_REQUESTED_ANNOTATION

# The annotation is free text of up to 256 KiB; the status that acknowledges it is not.
REQUEST_MAX = 128


class SignedBy(Enum):
    """Which of our keys signed a part of a resource."""

    UNVERIFIED = "its signature is missing or wrong"
    OLDER_KEY = "a key that is being rotated out"
    FIRST_KEY = "the key that signs"

    @property
    def is_authentic(self) -> bool:
        """Return whether this service wrote it."""
        return self is not SignedBy.UNVERIFIED


@dataclass(frozen=True)
class Resource:
    """A resource at one resourceVersion. ``spec`` and ``status`` are as stored, not yet parsed.

    ``status`` is None until the operator has written one. ``spec_signed_by`` and ``status_signed_by``: what
    crds/signature.py found; unchecked parts count as unsigned.
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
    created_at: datetime | None = None
    deletion_timestamp: str | None = None
    spec_signed_by: SignedBy = SignedBy.UNVERIFIED
    status_signed_by: SignedBy = SignedBy.UNVERIFIED

    @property
    def region(self) -> str:
        """Return the region that the spec names; empty if it names none."""
        return str(self.spec.get("source", {}).get("region", ""))

    @property
    def is_terminating(self) -> bool:
        """Return whether it was deleted and only finalizers of others keep it."""
        return self.deletion_timestamp is not None

    @property
    def reconcile_request(self) -> str | None:
        """Return the requested reconcile, which a pass over this resource acknowledges in status."""
        return self._request(RECONCILE_REQUESTED_ANNOTATION)

    @property
    def retry_request(self) -> str | None:
        """Return the requested retry; each new value is a new request."""
        return self._request(RETRY_REQUESTED_ANNOTATION)

    @property
    def is_paused(self) -> bool:
        """Return whether a person paused this upload. Anything but a plain no is a yes: a typo must not spend money."""
        return self.annotations.get(PAUSED_ANNOTATION, "false").strip().lower() not in {"", "false", "no", "0"}

    @classmethod
    def from_object(cls, body: Mapping[str, Any]) -> Self:
        """Make a resource of the object that the API server sent."""
        metadata = body["metadata"]
        status = body.get("status")
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            generation=metadata["generation"],
            labels=metadata.get("labels") or {},
            annotations=metadata.get("annotations") or {},
            spec=body["spec"],
            status=status if _is_written(status) else None,
            created_at=_instant(metadata.get("creationTimestamp")),
            deletion_timestamp=metadata.get("deletionTimestamp"),
        )

    def _request(self, annotation: str) -> str | None:
        request = self.annotations.get(annotation)
        return request[:REQUEST_MAX] if request else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _is_written(status: Mapping[str, Any] | None) -> bool:
    """Return whether the operator wrote this status: the API server's default has observedGeneration -1."""
    return status is not None and status.get("observedGeneration", -1) >= 0
