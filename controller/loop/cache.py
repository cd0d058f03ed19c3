"""What the watch told of each resource: as little as tells whether a pass has anything to do there.

No bodies are kept: ten thousand uploads must fit beside the interpreter. The truth is asked for when needed.
"""

import threading

from controller.rules.cached_resource import CachedResource, cached_resource_of
from crds.resource import Resource


class ResourceCache:
    """All resources of the namespace, by name. Safe for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, CachedResource] = {}

    def note(self, resource: Resource) -> CachedResource | None:
        """Take in what the API server says; returns what was known before.

        A list takes a while to read, and meanwhile the watch has brought newer versions.
        """
        now = cached_resource_of(resource)
        with self._lock:
            before = self._by_name.get(resource.name)
            if before is None or not now.is_older(before):
                self._by_name[resource.name] = now
            return before

    def drop(self, name: str) -> None:
        """Forget a resource that is gone."""
        with self._lock:
            self._by_name.pop(name, None)

    def get(self, name: str) -> CachedResource | None:
        """Return what is known of one resource."""
        with self._lock:
            return self._by_name.get(name)

    def names(self) -> set[str]:
        """Return the names of all known resources."""
        with self._lock:
            return set(self._by_name)
