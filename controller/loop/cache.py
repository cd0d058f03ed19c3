"""Cache of the watch: only the fields that decide whether a pass is needed.

No bodies are kept: ten thousand uploads must fit beside the interpreter. A pass that needs more reads the resource.
"""

import threading

from controller.rules.cached_resource import CachedResource
from crds.resource import Resource


class ResourceCache:
    """All resources of the namespace, by name. Safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, CachedResource] = {}

    def note(self, resource: Resource) -> CachedResource | None:
        """Store a resource, unless a newer version is cached; return what was cached before.

        A list takes a while to read, and meanwhile the watch may have delivered newer versions.
        """
        newest = CachedResource.of(resource)
        with self._lock:
            before = self._by_name.get(resource.name)
            if before is None or not newest.is_older(before):
                self._by_name[resource.name] = newest
            return before

    def drop(self, name: str) -> None:
        """Forget a resource that is gone."""
        with self._lock:
            self._by_name.pop(name, None)

    def get(self, name: str) -> CachedResource | None:
        """Return one resource; None if it is not cached."""
        with self._lock:
            return self._by_name.get(name)

    def owner_of(self, name: str) -> str | None:
        """Return whose upload it is: "" for an import, which belongs to no user; None if it is not cached."""
        cached = self.get(name)
        return None if cached is None else cached.owner or ""

    def names(self) -> set[str]:
        """Return the names of all cached resources."""
        with self._lock:
            return set(self._by_name)
