"""The one kopf handler, and the settings that keep kopf to watching. No I/O, no rule, cannot fail.

Everything else kopf offers (timers, daemons, change handlers, patches) writes to the API server or keeps
state of its own; docs/decisions/0005-kopf-only-watches.md says why none of it is used.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kopf

from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from crds.kind import PLURAL, VERSION
from crds.resource import Resource
from crds.signature import Signatures
from domain.records import Cause
from domain.video import GROUP


class NoDiffBase(kopf.DiffBaseStorage):
    """Remembers nothing of a resource. kopf's own storage copies each event's body, for change handlers only."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence instead of a deep copy of the body."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return that nothing was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


def registry_for(
    cache: ResourceCache,
    queue: WorkQueue,
    signatures: Signatures,
    *,
    kubeconfig: Path | None,
    count_event: Callable[[], None] = lambda: None,
    on_exit: Callable[[], None] = lambda: None,
) -> kopf.OperatorRegistry:
    """Return a registry whose only handler caches each event's resource and queues its key.

    ``on_exit`` is called as soon as kopf ends, for whatever reason.
    kopf asks again for credentials when the API server refuses them, so rotated tokens are picked up.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def on_login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        if kubeconfig is not None:
            return kopf.login_with_kubeconfig(**kwargs)
        return kopf.login_with_service_account(**kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    async def on_event(event: kopf.RawEvent, **_: Any) -> None:
        count_event()
        note_event(str(event["type"] or ""), dict(event["object"]), cache, queue, signatures)

    @kopf.on.startup(registry=registry)
    async def on_startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)

    @kopf.on.cleanup(registry=registry)
    async def on_cleanup(**_: Any) -> None:
        on_exit()

    return registry


def note_event(
    event_type: str, body: dict[str, Any], cache: ResourceCache, queue: WorkQueue, signatures: Signatures
) -> None:
    """Cache the resource, and request a pass if anything changed that this process did not write."""
    resource = signatures.checked(Resource.from_object(body))
    if event_type == "DELETED":
        cache.drop(resource.name)
        queue.add(resource.name, Cause.SWEEP)  # the row decides whether it comes back
        return
    cause = cache.note_event(resource)
    if cause is not None:
        queue.add(resource.name, cause)


def configure(settings: kopf.OperatorSettings) -> None:
    """Set kopf up to watch one namespace and nothing else. Units are seconds."""
    # kopf logs every handled event; we log every step taken.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.watching.server_timeout = 300
    settings.watching.inactivity_timeout = 70
    settings.watching.chunk_size = 500
    settings.networking.request_timeout = 30
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 1
    settings.process.ultimate_exiting_timeout = 20
