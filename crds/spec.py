"""Translates a desired state into a resource and back. Spec is a pure function of the row, made only here."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from crds.kind import KIND, VERSION
from crds.models import SourceSpec, Spec
from crds.resource import Resource
from crds.signature import SIGNATURE_ANNOTATION, Signatures
from domain.video import GROUP, ORIGIN_LABEL, DeletionPolicy, DesiredState, Origin, Visibility

API_VERSION = f"{GROUP}/{VERSION}"


def spec_of(desired: DesiredState) -> dict[str, Any]:
    """Return the spec that shows a desired state."""
    source = SourceSpec(storage_key=desired.storage_key, region=desired.region)
    # What was so before the spec had these fields is left out: specs of then stay equal to their signatures.
    values = vars(desired) | {
        "visibility": None if desired.visibility is Visibility.PUBLIC else desired.visibility,
        "deletion_policy": None if desired.deletion_policy is DeletionPolicy.DELETE else desired.deletion_policy,
    }
    spec = Spec(source=source, **{name: values[name] for name in Spec.model_fields if name != "source"})
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


# What an import says and no row takes over: its row counts its own revisions, and people cannot hand videos to others.
IGNORED_OF_IMPORTS = frozenset({"revision", "owner"})


def import_digest_of(spec: Mapping[str, Any]) -> str:
    """Return a short text that is equal for specs of imports that ask for the same."""
    content = {field: value for field, value in spec.items() if field not in IGNORED_OF_IMPORTS}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8).hexdigest()


def manifest_of(desired: DesiredState, *, namespace: str, signatures: Signatures) -> dict[str, Any]:
    """Return the body to apply. It depends on desired state and key alone, so applying it again writes nothing."""
    spec = spec_of(desired)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": desired.video_id,
            "namespace": namespace,
            "labels": {ORIGIN_LABEL: desired.origin.value},
            "annotations": {SIGNATURE_ANNOTATION: signatures.of_spec(desired.video_id, spec)},
        },
        "spec": spec,
    }


def origin_of(resource: Resource) -> Origin:
    """Return who owns the spec. The API always sets the origin label, so a resource without it is an import."""
    return Origin.API if resource.labels.get(ORIGIN_LABEL) == Origin.API.value else Origin.KUBERNETES


def is_same_source(resource: Resource, desired: DesiredState) -> bool:
    """Return whether a resource is about the same file. Another file is another video, whatever its name."""
    source = resource.spec["source"]
    return (source["storageKey"], source.get("region", "")) == (desired.storage_key, desired.region)


def desired_state_of(resource: Resource) -> DesiredState:
    """Read the desired state back from a spec. Raises pydantic.ValidationError.

    An import belongs to no user, whatever its spec says, and its revision is 1.
    """
    values, origin = dict(Spec.model_validate(resource.spec)), origin_of(resource)
    if origin is Origin.KUBERNETES:
        values |= {"owner": "", "revision": 1}
    source = dict(values.pop("source"))
    values["visibility"] = values["visibility"] or Visibility.PUBLIC
    values["deletion_policy"] = values["deletion_policy"] or DeletionPolicy.DELETE
    return DesiredState(video_id=resource.name, origin=origin, **source, **values)


def differs_for_good(resource: Resource, desired: DesiredState) -> bool:
    """Return whether the CRD's rules refuse this desired state over the spec that is there."""
    spec = resource.spec
    fixed = is_same_source(resource, desired) and all(
        spec.get(field, "") == value for field, value in (("owner", desired.owner), ("filename", desired.filename))
    )
    counters = {"revision": 1, "edition": 1, "retries": 0, "confirmations": 0}
    return not fixed or any(spec.get(name, least) > getattr(desired, name) for name, least in counters.items())
