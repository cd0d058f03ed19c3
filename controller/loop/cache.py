"""Cache of the watch: only the fields that decide whether a pass is needed.

No bodies are kept: ten thousand uploads must fit beside the interpreter. A pass that needs more reads the resource.
"""

import threading
from dataclasses import dataclass, field

from controller.rules.cached_resource import CachedResource, cause_of_change
from crds.resource import Resource
from domain.records import Cause, Revisions
from domain.regions import EVERYWHERE, RegionScope

# A pass writes two or three. While the watch is interrupted they add up.
_WRITTEN_MAX = 8


@dataclass
class _Pass:
    """A pass that works on a resource. ``versions``: those it wrote; ``event``: what the watch brought last meanwhile.

    ``is_deleted``: the watch brought a deletion meanwhile.
    """

    began_with: CachedResource | None
    versions: list[str] = field(default_factory=list)
    event: CachedResource | None = None
    is_deleted: bool = False


class ResourceCache:
    """The resources of the namespace that are this operator's, by name. Safe for any number of threads."""

    def __init__(self, scope: RegionScope = EVERYWHERE) -> None:
        self._scope = scope
        self._lock = threading.Lock()
        self._by_name: dict[str, CachedResource] = {}
        self._passes: dict[str, _Pass] = {}
        # The last versions that passes wrote, until the watch has brought them.
        self._written: dict[str, tuple[str, ...]] = {}

    def note(self, resource: Resource) -> CachedResource | None:
        """Store a resource, unless a newer version is cached; return what was cached before.

        A list takes a while to read, and meanwhile the watch may have delivered newer versions.
        """
        newest = CachedResource.of(resource)
        with self._lock:
            return self._store(resource.name, newest)

    def note_event(self, resource: Resource) -> Cause | None:
        """Store a resource that the watch brought; return why a pass is needed, None if it needs none.

        While a pass works on the resource, `end` decides: only then is it known which versions the pass wrote.
        """
        if not self._scope.claims(resource.region):
            return None  # its region has an operator of its own
        newest = CachedResource.of(resource)
        with self._lock:
            running = self._passes.get(resource.name)
            if running is None:
                return self._take(resource.name, newest)
            running.event = newest
            return None

    def begin(self, name: str) -> CachedResource | None:
        """Begin a pass: return its resource, None if it is not cached. Of one name there is one pass at a time."""
        with self._lock:
            cached = self._by_name.get(name)
            self._passes[name] = _Pass(cached)
            return cached

    def wrote(self, resource: Resource) -> None:
        """Remember a version that a pass of this process wrote."""
        with self._lock:
            running = self._passes.get(resource.name)
            if running is not None:
                running.versions.append(resource.resource_version)

    def shows(self, resource: Resource, row: Revisions) -> None:
        """Store what a pass left in Kubernetes, if there is nothing in it that the pass has not seen."""
        name, newest = resource.name, CachedResource.of(resource)
        with self._lock:
            running = self._passes.get(name)
            if running is None or running.is_deleted or self._by_name.get(name) is not running.began_with:
                return  # a list or a deletion came in between
            if newest.is_answered(row, running.began_with):
                self._by_name[name] = newest
                self._written[name] = (*self._written.get(name, ()), *running.versions)[-_WRITTEN_MAX:]

    def end(self, name: str) -> Cause | None:
        """End a pass; return why the events that came meanwhile need another one, None if they need none."""
        with self._lock:
            ended = self._passes.pop(name, None)
            return None if ended is None or ended.event is None else self._take(name, ended.event)

    def drop(self, name: str) -> None:
        """Forget a resource that is gone."""
        with self._lock:
            self._by_name.pop(name, None)
            self._written.pop(name, None)
            running = self._passes.get(name)
            if running is not None:
                running.event, running.is_deleted = None, True

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

    def _take(self, name: str, newest: CachedResource) -> Cause | None:
        """Store what the watch brought, and return why it needs a pass. The lock is held."""
        cached = self._by_name.get(name)
        # Events of one resource come in order: after the last version written, or one of others, no other comes.
        is_last = cached is None or newest.resource_version == cached.resource_version
        if newest.resource_version in self._written.get(name, ()) and not is_last:
            return None
        self._written.pop(name, None)
        return cause_of_change(self._store(name, newest), newest)

    def _store(self, name: str, newest: CachedResource) -> CachedResource | None:
        before = self._by_name.get(name)
        if before is None or not newest.is_older(before):
            self._by_name[name] = newest
        return before
