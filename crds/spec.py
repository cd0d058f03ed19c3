"""The wish as a resource and back: spec is a pure function of the row, made here and nowhere else."""

from typing import Any

from crds.models import Source, Spec
from crds.resource import Resource
from crds.videoupload import GROUP, KIND, ORIGIN_LABEL, VERSION, Origin, Wish

API_VERSION = f"{GROUP}/{VERSION}"


def spec_of(wish: Wish) -> dict[str, Any]:
    """Return the spec that a wish makes."""
    spec = Spec(
        source=Source(storage_key=wish.storage_key, region=wish.region),
        owner=wish.owner,
        title=wish.title,
        filename=wish.filename,
        content_type=wish.content_type,
        declared_bytes=wish.declared_bytes,
        upload_mode=wish.upload_mode,
        profile=wish.profile,
        edition=wish.edition,
        retries=wish.retries,
        confirmations=wish.confirmations,
        deleted=wish.deleted,
        revision=wish.revision,
    )
    return spec.model_dump(mode="json", by_alias=True, exclude_none=True)


def manifest_of(wish: Wish, *, namespace: str) -> dict[str, Any]:
    """Return the body to apply. Nothing in it changes but the wish, so applying again writes nothing."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": wish.video_id, "namespace": namespace, "labels": {ORIGIN_LABEL: wish.origin.value}},
        "spec": spec_of(wish),
    }


def wish_of(resource: Resource) -> Wish:
    """Read the wish back. Whoever left out the origin label is not our API."""
    spec = Spec.model_validate(resource.spec)
    is_ours = resource.labels.get(ORIGIN_LABEL) == Origin.API.value
    return Wish(
        video_id=resource.name,
        revision=spec.revision,
        origin=Origin.API if is_ours else Origin.KUBERNETES,
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
