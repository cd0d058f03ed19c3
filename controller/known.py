"""What the watch told of each resource: as little as tells whether a pass has anything to do there.

No bodies are kept: ten thousand uploads must fit beside the interpreter. The truth is asked for when needed.
"""

import threading
from dataclasses import dataclass

from controller.steps import Asked
from crds.resource import Resource
from crds.spec import digest_of, origin_of
from crds.videoupload import Origin


@dataclass(frozen=True, slots=True)
class Known:
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
    asked: Asked
    handled: Asked
    import_digest: str | None = None

    def is_ahead(self, origin: Origin, *, wish_revision: int, observed_revision: int) -> bool:
        """Tell whether the resource knows more than the row, which then came back from an older dump."""
        has_newer_wish = origin is Origin.API and self.spec_revision > wish_revision
        return has_newer_wish or self.status_revision > observed_revision

    def is_older(self, other: "Known") -> bool:
        """Tell whether this is an earlier version of the same resource: neither of these two numbers ever falls."""
        return self.uid == other.uid and (
            self.generation < other.generation or self.status_revision < other.status_revision
        )

    def shows(self, origin: Origin, *, wish_revision: int, observed_revision: int) -> bool:
        """Tell whether spec and status already say what the row says, and everything asked for is acknowledged.

        The spec of an import is not made from the row.
        """
        return (
            (self.spec_revision >= wish_revision or origin is Origin.KUBERNETES)
            and self.status_revision >= observed_revision
            and self.observed_generation == self.generation
            and self.request == self.handled_request
            and self.asked.is_paused == self.handled.is_paused
            and self.asked.retry_token in {None, self.handled.retry_token}
        )

    def asks_the_same(self, other: "Known") -> bool:
        """Tell whether nobody but the operator itself changed anything in between."""
        return (self.generation, self.request, self.asked) == (other.generation, other.request, other.asked)


def known_of(resource: Resource) -> Known:
    """Reduce a resource."""
    status = resource.status or {}
    return Known(
        uid=resource.uid,
        resource_version=resource.resource_version,
        generation=resource.generation,
        spec_revision=resource.spec.get("revision", 0),
        status_revision=status.get("revision", 0),
        observed_generation=status.get("observedGeneration", 0),
        request=resource.reconcile_request,
        handled_request=status.get("lastHandledReconcileAt"),
        asked=Asked(resource.is_paused, resource.retry_request),
        handled=Asked(status.get("isPaused", False), status.get("lastHandledRetryAt")),
        import_digest=digest_of(resource.spec) if origin_of(resource) is Origin.KUBERNETES else None,
    )


class KnownResources:
    """All resources of the namespace, by name. Safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, Known] = {}

    def note(self, resource: Resource) -> Known | None:
        """Take in what the API server says; returns what was known before.

        A list takes a while to read, and meanwhile the watch has brought newer versions.
        """
        now = known_of(resource)
        with self._lock:
            before = self._by_name.get(resource.name)
            if before is None or not now.is_older(before):
                self._by_name[resource.name] = now
            return before

    def drop(self, name: str) -> None:
        """Forget a resource that is gone."""
        with self._lock:
            self._by_name.pop(name, None)

    def get(self, name: str) -> Known | None:
        """Return what is known of one resource."""
        with self._lock:
            return self._by_name.get(name)

    def names(self) -> set[str]:
        """Return the names of all known resources."""
        with self._lock:
            return set(self._by_name)
