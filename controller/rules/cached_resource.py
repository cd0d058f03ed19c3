"""One resource as the watch delivered it, reduced to what decides whether a pass is needed."""

import sys
from dataclasses import dataclass
from typing import Self

from controller.rules.steps import AnnotationRequest
from crds.resource import Resource, SignedBy
from crds.spec import import_digest_of, origin_of
from domain.records import Cause, Revisions
from domain.video import Origin


@dataclass(frozen=True, slots=True)
class CachedResource:
    """One resource at one resourceVersion, reduced to what is compared.

    ``reconcile_request`` and ``requested`` are its annotations, the ``handled_`` ones what its status acknowledges.
    ``import_digest``: the digest of an import's spec; None where the spec is made from the row. ``is_terminating``: it
    was deleted, and finalizers of others keep it. ``owner``: of the row; None of an import, and of what this service
    did not sign.
    """

    uid: str
    resource_version: str
    generation: int
    spec_revision: int
    status_revision: int
    observed_generation: int
    reconcile_request: str | None
    handled_reconcile_request: str | None
    requested: AnnotationRequest
    handled: AnnotationRequest
    spec_signed_by: SignedBy
    status_signed_by: SignedBy
    import_digest: str | None = None
    is_terminating: bool = False
    owner: str | None = None

    @classmethod
    def of(cls, resource: Resource) -> Self:
        """Reduce a resource."""
        status = resource.status or {}
        is_ours = origin_of(resource) is Origin.API and resource.spec_signed_by.is_authentic
        return cls(
            uid=resource.uid,
            resource_version=resource.resource_version,
            generation=resource.generation,
            spec_revision=resource.spec.get("revision", 0),
            status_revision=status.get("revision", 0),
            observed_generation=status.get("observedGeneration", 0),
            reconcile_request=resource.reconcile_request,
            handled_reconcile_request=status.get("lastHandledReconcileAt"),
            requested=AnnotationRequest(resource.is_paused, resource.retry_request),
            handled=AnnotationRequest(status.get("isPaused", False), status.get("lastHandledRetryAt")),
            spec_signed_by=resource.spec_signed_by,
            status_signed_by=resource.status_signed_by,
            import_digest=import_digest_of(resource.spec) if origin_of(resource) is Origin.KUBERNETES else None,
            is_terminating=resource.is_terminating,
            # One copy for each owner, not for each upload.
            owner=sys.intern(resource.spec["owner"]) if is_ours and "owner" in resource.spec else None,
        )

    def is_ahead(self, row: Revisions) -> bool:
        """Return whether the resource is newer than the row, which was then restored from an older dump.

        What this service did not sign is newer than nothing.
        """
        has_newer_spec = (
            row.origin is Origin.API and self.spec_signed_by.is_authentic and self.spec_revision > row.desired
        )
        return has_newer_spec or (self.status_signed_by.is_authentic and self.status_revision > row.observed)

    def is_older(self, other: "CachedResource") -> bool:
        """Return whether this is an earlier version of the same resource: neither of these two numbers ever falls."""
        return self.uid == other.uid and (
            self.generation < other.generation or self.status_revision < other.status_revision
        )

    def is_current(self, row: Revisions) -> bool:
        """Return whether spec and status already show the row, and the status acknowledges every request.

        The spec of an import is not made from the row. What an older key signed is signed again before it is removed.
        """
        shows_desired = self.spec_signed_by is SignedBy.FIRST_KEY and self.spec_revision >= row.desired
        return (
            (shows_desired or row.origin is Origin.KUBERNETES)
            and self.status_signed_by is SignedBy.FIRST_KEY
            and self.status_revision >= row.observed
            and self.observed_generation == self.generation
            and self.reconcile_request == self.handled_reconcile_request
            and self.requested.is_paused == self.handled.is_paused
            and self.requested.retry_token in {None, self.handled.retry_token}
        )

    def is_answered(self, row: Revisions, before: Self | None) -> bool:
        """Return whether it shows exactly the row that a pass left, and asks for nothing that the pass did not see.

        ``before``: what was cached when the pass began; None for nothing. A spec of the API is what the row says, so it
        holds no request of its own; that of an import does.
        """
        unrequested = (None, AnnotationRequest(), False)
        seen = unrequested if before is None else before._annotated()
        is_spec_seen = (
            self.spec_revision == row.desired
            if row.origin is Origin.API
            else before is not None and (self.uid, self.generation) == (before.uid, before.generation)
        )
        return (
            is_spec_seen and self._annotated() == seen and self.status_revision == row.observed and self.is_current(row)
        )

    def same_request_as(self, other: "CachedResource") -> bool:
        """Return whether only the operator can have changed this one into ``other``.

        Spec, annotations and signatures are equal then; only the operator makes an unsigned status a signed one.
        """
        has_lost_signature = self.status_signed_by.is_authentic and not other.status_signed_by.is_authentic
        return self._request() == other._request() and not has_lost_signature

    def _request(self) -> tuple[object, ...]:
        return self.generation, self.spec_signed_by, *self._annotated()

    def _annotated(self) -> tuple[object, ...]:
        return self.reconcile_request, self.requested, self.is_terminating


def cause_of_change(before: CachedResource | None, newest: CachedResource) -> Cause | None:
    """Return why a pass is needed over a resource that the watch brought; None if only our own status changed."""
    if before is None:
        return Cause.CLIENT
    if before.same_request_as(newest):
        return None
    was, now = (before.reconcile_request, before.requested), (newest.reconcile_request, newest.requested)
    return Cause.CLIENT if was == now else Cause.PERSON
