"""The wish as a resource and back: spec is a pure function of the row, made here and nowhere else."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from crds.kind import KIND, VERSION
from crds.models import Source, Spec
from crds.resource import Resource
from domain.video import GROUP, ORIGIN_LABEL, DesiredState, Origin

API_VERSION = f"{GROUP}/{VERSION}"


def spec_of(desired: DesiredState) -> dict[str, Any]:
    """Return the spec that a wish makes."""
    spec = Spec(
        source=Source(storage_key=desired.storage_key, region=desired.region),
        owner=desired.owner,
        title=desired.title,
        filename=desired.filename,
        content_type=desired.content_type,
        declared_bytes=desired.declared_bytes,
        upload_mode=desired.upload_mode,
        profile=desired.profile,
        edition=desired.edition,
        retries=desired.retries,
        confirmations=desired.confirmations,
        deleted=desired.deleted,
        revision=desired.revision,
    )
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def digest_of(spec: Mapping[str, Any]) -> str:
    """Return a short text that is the same for specs that say the same; the revision is no part of what they say."""
    said = {field: value for field, value in spec.items() if field != "revision"}
    return hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=8).hexdigest()


def manifest_of(desired: DesiredState, *, namespace: str) -> dict[str, Any]:
    """Return the body to apply. Nothing in it changes but the wish, so applying again writes nothing."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": desired.video_id, "namespace": namespace, "labels": {ORIGIN_LABEL: desired.origin.value}},
        "spec": spec_of(desired),
    }


def origin_of(resource: Resource) -> Origin:
    """Return who owns the spec. Whoever left out the origin label is not our API."""
    return Origin.API if resource.labels.get(ORIGIN_LABEL) == Origin.API.value else Origin.KUBERNETES


def is_same_source(resource: Resource, desired: DesiredState) -> bool:
    """Tell whether a resource is about the same file. Another file is another video, whatever its name."""
    source = resource.spec["source"]
    return (source["storageKey"], source.get("region", "")) == (desired.storage_key, desired.region)


def desired_state_of(resource: Resource) -> DesiredState:
    """Read the wish back."""
    spec = Spec.model_validate(resource.spec)
    return DesiredState(
        video_id=resource.name,
        revision=spec.revision,
        origin=origin_of(resource),
        owner=spec.owner,
        title=spec.title,
        filename=spec.filename,
        content_type=spec.content_type,
        declared_bytes=spec.declared_bytes,
        upload_mode=spec.upload_mode,
        region=spec.source.region,
        storage_key=spec.source.storage_key,
        profile=spec.profile,
        edition=spec.edition,
        retries=spec.retries,
        confirmations=spec.confirmations,
        deleted=spec.deleted,
    )
