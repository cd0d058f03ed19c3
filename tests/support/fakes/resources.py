"""The API server in memory, as far as the operator uses it: specs, statuses, versions, conflicts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

from crds.events import ResourceEvent
from crds.resource import Resource
from crds.spec import differs_for_good, manifest_of, spec_of
from domain.errors import ConflictError, RefusedError, UpstreamError
from domain.policy import LifecyclePolicy
from domain.video import DesiredState, ObservedState, Origin, UploadMode
from tests.support.builders.resources import SIGNATURES, a_status

NAMESPACE = "default"

# What the API server fills in where an import says nothing.
_NOTHING = DesiredState(
    video_id="",
    revision=1,
    origin=Origin.KUBERNETES,
    owner="",
    title="",
    filename="",
    content_type="",
    declared_bytes=None,
    upload_mode=UploadMode.SINGLE,
    region="",
    storage_key="",
)


class FakeResources:
    """Stands in for `crds.client.UploadsClient`. ``error``, while set, is what every call raises."""

    def __init__(self) -> None:
        self.signatures = SIGNATURES
        self.by_name: dict[str, Resource] = {}
        self.events: list[tuple[str, str, str, str]] = []
        self.error: UpstreamError | None = None
        self._versions = count(1)

    def apply(self, desired: DesiredState) -> Resource | None:
        self._raise_trouble()
        body = json.loads(json.dumps(manifest_of(desired, namespace=NAMESPACE, signatures=self.signatures)))
        labels, signature = body["metadata"]["labels"], body["metadata"]["annotations"]
        stored = self.by_name.get(desired.video_id)
        if stored is None:
            name, version = desired.video_id, self._version()
            made = Resource(name, NAMESPACE, f"uid-{version}", version, 1, labels=labels, spec=body["spec"])
            self.by_name[name] = replace(made, annotations=signature)
            return self.by_name[name]
        if stored.spec["revision"] > desired.revision:
            return None
        if differs_for_good(stored, desired):
            raise RefusedError("applying a spec: what is fixed was changed, or a number falls")
        after = replace(
            stored,
            spec=body["spec"],
            labels={**stored.labels, **labels},
            annotations={**stored.annotations, **signature},
        )
        if after != stored:
            generation = stored.generation + (after.spec != stored.spec)
            self.by_name[desired.video_id] = replace(after, generation=generation, resource_version=self._version())
        return self.by_name[desired.video_id]

    def get(self, name: str) -> Resource | None:
        self._raise_trouble()
        stored = self.by_name.get(name)
        return None if stored is None else self.signatures.checked(stored)

    def pages(self, *, page_size: int = 500) -> Iterator[list[Resource]]:
        self._raise_trouble()
        listed = [self.signatures.checked(self.by_name[name]) for name in sorted(self.by_name)]
        for start in range(0, len(listed), page_size):
            yield listed[start : start + page_size]

    def write_status(self, resource: Resource, status: dict[str, Any], *, is_signed: bool = True) -> Resource:
        self._raise_trouble()
        name, stored = resource.name, self.by_name.get(resource.name)
        if stored is None or stored.resource_version != resource.resource_version:
            raise ConflictError("writing a status: the resource moved")
        if is_signed:
            status = status | {"signature": self.signatures.of_status(name, stored.spec, status)}
        if stored.status != status:
            _refuse_to_go_back(stored.status or {}, status)
            stored = replace(stored, status=json.loads(json.dumps(status)), resource_version=self._version())
            self.by_name[name] = stored
        return self.signatures.checked(stored)

    def delete(self, name: str, *, uid: str, resource_version: str) -> None:
        self._raise_trouble()
        stored = self.by_name.get(name)
        if stored is None:
            return
        if (stored.uid, stored.resource_version) != (uid, resource_version):
            raise ConflictError("deleting a resource: it moved")
        del self.by_name[name]

    def post_event(self, event: ResourceEvent) -> None:
        self._raise_trouble()
        self.events.append((event.resource_name, event.type, event.reason, event.message))

    def put(self, name: str, *, storage_key: str, **spec: Any) -> Resource:
        """Play a person: apply an import, again if need be. Returns it as the API server stores it."""
        said = spec_of(replace(_NOTHING, storage_key=storage_key)) | spec
        stored = self.by_name.get(name)
        version = self._version()
        if stored is None:
            stored = Resource(name, NAMESPACE, f"uid-{version}", version, 1, spec=said)
        elif stored.spec != said:
            stored = replace(stored, spec=said, generation=stored.generation + 1, resource_version=version)
        self.by_name[name] = stored
        return stored

    def show(
        self, name: str, desired: DesiredState, observed: ObservedState, rules: LifecyclePolicy, now: datetime
    ) -> None:
        """Play an earlier pass: make a resource show an observation."""
        stored = self.by_name[name]
        status = a_status(desired, observed, resource=stored, policy=rules, now=now)
        self.write_status(stored, status)

    def remove(self, name: str) -> None:
        """Play a person: delete the resource, whatever it says."""
        self.by_name.pop(name, None)

    def annotate(self, name: str, annotation: str, text: str | None) -> None:
        """Play a person: set an annotation, or remove it."""
        stored = self.by_name[name]
        annotations = {key: value for key, value in stored.annotations.items() if key != annotation}
        if text is not None:
            annotations[annotation] = text
        self.by_name[name] = replace(stored, annotations=annotations, resource_version=self._version())

    def _version(self) -> str:
        return str(next(self._versions))

    def _raise_trouble(self) -> None:
        if self.error is not None:
            raise self.error


def _refuse_to_go_back(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse what the CRD's rules refuse of a status that follows another."""
    was, work = before.get("work", {}), after.get("work", {})
    if after["revision"] < before.get("revision", 0):
        raise RefusedError("writing a status: status.revision is older")
    if work.get("attempt", 0) < was.get("attempt", 0):
        raise RefusedError("writing a status: attempts never restart")
    if work.get("attempt") == was.get("attempt") and "jobId" in was and work.get("jobId") != was["jobId"]:
        raise RefusedError("writing a status: another job is another attempt")
