"""One resource as the watch showed it, reduced to what decides whether a pass is needed."""

from dataclasses import dataclass

from controller.rules.steps import AnnotationRequest
from crds.resource import Resource
from crds.spec import digest_of, origin_of
from domain.video import Origin


@dataclass(frozen=True, slots=True)
class CachedResource:
    """One resource at one resourceVersion, reduced to what is compared.

    ``import_digest``: what the spec says, where it is not made from the row.
    """

    uid: str
    resource_version: str
    generation: int
    spec_revision: int
    status_revision: int
    observed_generation: int
    request: str | None
    handled_request: str | None
    asked: AnnotationRequest
    handled: AnnotationRequest
    import_digest: str | None = None

    def is_ahead(self, origin: Origin, *, desired_revision: int, observed_revision: int) -> bool:
        """Tell whether the resource knows more than the row, which then came back from an older dump."""
        has_newer_wish = origin is Origin.API and self.spec_revision > desired_revision
        return has_newer_wish or self.status_revision > observed_revision

    def is_older(self, other: "CachedResource") -> bool:
        """Tell whether this is an earlier version of the same resource: neither of these two numbers ever falls."""
        return self.uid == other.uid and (
            self.generation < other.generation or self.status_revision < other.status_revision
        )

    def is_current(self, origin: Origin, *, desired_revision: int, observed_revision: int) -> bool:
        """Tell whether spec and status already say what the row says, and everything asked for is acknowledged.

        The spec of an import is not made from the row.
        """
        return (
            (self.spec_revision >= desired_revision or origin is Origin.KUBERNETES)
            and self.status_revision >= observed_revision
            and self.observed_generation == self.generation
            and self.request == self.handled_request
            and self.asked.is_paused == self.handled.is_paused
            and self.asked.retry_token in {None, self.handled.retry_token}
        )

    def same_request_as(self, other: "CachedResource") -> bool:
        """Tell whether nobody but the operator itself changed anything in between."""
        return (self.generation, self.request, self.asked) == (other.generation, other.request, other.asked)


def cached_resource_of(resource: Resource) -> CachedResource:
    """Reduce a resource."""
    status = resource.status or {}
    return CachedResource(
        uid=resource.uid,
        resource_version=resource.resource_version,
        generation=resource.generation,
        spec_revision=resource.spec.get("revision", 0),
        status_revision=status.get("revision", 0),
        observed_generation=status.get("observedGeneration", 0),
        request=resource.reconcile_request,
        handled_request=status.get("lastHandledReconcileAt"),
        asked=AnnotationRequest(resource.is_paused, resource.retry_request),
        handled=AnnotationRequest(status.get("isPaused", False), status.get("lastHandledRetryAt")),
        import_digest=digest_of(resource.spec) if origin_of(resource) is Origin.KUBERNETES else None,
    )
