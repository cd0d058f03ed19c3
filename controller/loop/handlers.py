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
from controller.rules.cached_resource import cached_resource_of
from crds.kind import PLURAL, VERSION
from crds.resource import Resource
from domain.records import Cause
from domain.video import GROUP


def registry_for(
    known: ResourceCache,
    queue: WorkQueue,
    *,
    kubeconfig: Path | None,
    heard: Callable[[], None] = lambda: None,
) -> kopf.OperatorRegistry:
    """Return a registry whose only handler notes each event and queues the key. ``heard`` is told of each.

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
        heard()
        note_event(str(event["type"] or ""), dict(event["object"]), known, queue)

    @kopf.on.startup(registry=registry)
    async def on_startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)

    return registry


def note_event(event_type: str, body: dict[str, Any], known: ResourceCache, queue: WorkQueue) -> None:
    """Keep what is compared of a resource, and ask for a pass if anything but our own status moved."""
    resource = Resource.from_object(body)
    if event_type == "DELETED":
        known.drop(resource.name)
        queue.add(resource.name, Cause.SWEEP)  # the row decides whether it comes back
        return
    before, now = known.note(resource), cached_resource_of(resource)
    if before is not None and before.same_request_as(now):
        return
    is_asked_for = before is not None and (before.request, before.asked) != (now.request, now.asked)
    queue.add(resource.name, Cause.PERSON if is_asked_for else Cause.CLIENT)


def configure(settings: kopf.OperatorSettings) -> None:
    """Set kopf up to watch one namespace and nothing else. Units are seconds."""
    # It tells of every handled event; we tell of every step taken.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
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
