"""TranscodeProfile resources: lists them, and writes what the operator made of each into its status."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import quote

from pydantic import ValidationError

from crds.client import STATUS_MANAGER, Cluster, NotFoundError
from crds.kind import PROFILE_KIND, PROFILE_PLURAL, VERSION
from crds.models import ConditionStatus, ConditionType
from crds.profiles import ProfileSpecBody
from crds.spec import API_VERSION
from domain.errors import ConflictError
from domain.profiles import ProfileSpec
from domain.video import GROUP

_PAGE = 100


class ProfileReason(StrEnum):
    """Why a profile is or is not in use."""

    IN_USE = "InUse"
    INVALID = "Invalid"
    TOO_MANY = "TooMany"


_MESSAGES = {
    ProfileReason.IN_USE: "jobs are ordered with it",
    ProfileReason.INVALID: "it has fields or values that this release does not take; jobs are ordered as before",
    ProfileReason.TOO_MANY: "there are more profiles than an installation may have; remove some",
}


@dataclass(frozen=True)
class ProfileResource:
    """One TranscodeProfile as the API server returned it."""

    name: str
    generation: int
    resource_version: str
    spec: Mapping[str, Any]
    status: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_object(cls, body: Mapping[str, Any]) -> Self:
        """Read an object of the API server."""
        metadata = body["metadata"]
        return cls(
            name=metadata["name"],
            generation=metadata.get("generation", 0),
            resource_version=metadata["resourceVersion"],
            spec=body.get("spec", {}),
            status=body.get("status", {}),
        )

    def profile(self) -> ProfileSpec | None:
        """Return what it says; None if this release cannot read it, as after a change of the schema."""
        try:
            return ProfileSpecBody.model_validate(self.spec).value
        except ValidationError:
            return None

    def status_with(self, reason: ProfileReason, profile: ProfileSpec | None, now: datetime) -> dict[str, Any]:
        """Return the status that it should have; equal to the one it has when nothing changed."""
        is_ready = ConditionStatus.TRUE if reason is ProfileReason.IN_USE else ConditionStatus.FALSE
        conditions: Sequence[Mapping[str, Any]] = self.status.get("conditions", ())
        before = next((one for one in conditions if one["type"] == ConditionType.READY), dict[str, Any]())
        since = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        condition = {
            "type": ConditionType.READY.value,
            "status": is_ready.value,
            "reason": reason.value,
            "message": _MESSAGES[reason],
            "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == is_ready.value else since,
            "observedGeneration": self.generation,
        }
        known = {"hash": profile.hash} if profile is not None and reason is ProfileReason.IN_USE else {}
        return {"observedGeneration": self.generation, "conditions": [condition], **known}


class ProfileResources:
    """The TranscodeProfiles of one namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{cluster.namespace}/{PROFILE_PLURAL}"

    def list(self) -> list[ProfileResource] | None:
        """Return all; None if the API server does not serve the kind. Raises ConflictError, UnavailableError."""
        try:
            return list(self._pages())
        except NotFoundError:
            return None

    def write_status(self, resource: ProfileResource, status: Mapping[str, Any]) -> None:
        """Replace the status of exactly this version. Raises ConflictError if it was changed or deleted meanwhile."""
        body = {
            "apiVersion": API_VERSION,
            "kind": PROFILE_KIND,
            "metadata": {
                "name": resource.name,
                "namespace": self._cluster.namespace,
                "resourceVersion": resource.resource_version,
            },
            # The API server takes no status without a spec.
            "spec": resource.spec,
            "status": status,
        }
        path, query = f"{self._path}/{quote(resource.name, safe='')}/status", {"fieldManager": STATUS_MANAGER}
        try:
            self._cluster.request("PUT", path, query=query, body=body)
        except NotFoundError as error:
            raise ConflictError(f"{error}: deleted meanwhile") from error

    def _pages(self) -> Iterator[ProfileResource]:
        query: dict[str, str | int] = {"limit": _PAGE}
        while True:
            page = self._cluster.request("GET", self._path, query=query)
            yield from (ProfileResource.from_object(item) for item in page["items"])
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token
