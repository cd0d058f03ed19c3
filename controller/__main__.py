"""The operator's process: probes first, then the Lease, then the loop; a lost Lease ends it.

kopf runs in-process and only watches. Its own health server starts after start-up handlers return, so
waiting for the Lease there would get a standby killed: the probes here answer from the first moment.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import kopf
import structlog

from controller.actions.multipart_gc import AbandonedUploads
from controller.audit.metrics import AuditMetrics
from controller.audit.scheduler import audit_threads
from controller.leader.election import Leadership
from controller.loop.cache import ResourceCache
from controller.loop.handlers import registry_for
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from controller.loop.threads import listen, repeat_until, resync_until, wait_for_cache_sync
from controller.loop.workers import Workers
from controller.metrics.registry import OperatorMetrics
from controller.settings import Settings
from controller.wiring import Wiring, wire
from crds.schema_version import wait_for_kind
from runtime.logs import configure
from runtime.probes import Health, serve
from runtime.secret_files import SecretFiles, on_change
from runtime.settings import read_settings
from storage.settings import StorageSettings
from storage.startup_check import check_buckets

log = structlog.get_logger(__name__)

_WHO = "the operator"
_BEAT_SECONDS = 1.0
# As often as Prometheus usually asks.
_STATS_SECONDS = 15.0
_SILENT_SECONDS = 60.0
_LOOK_FOR_SIGNAL_SECONDS = 0.5


def main() -> int:
    """Run until SIGTERM; returns the exit status."""
    secret_files = SecretFiles.from_environment(_read)
    settings, spaces = _read()
    configure(settings.log_format, settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if secret_files is not None:
        # Ends as at SIGTERM, to be started again: another one leads meanwhile.
        on_change(secret_files, stop.set)
    health = Health(silent_seconds=_SILENT_SECONDS)
    metrics = OperatorMetrics(workers=settings.workers, prices=settings.prices)
    server = serve(health, metrics.text, host=settings.probe_host, port=settings.probe_port)
    check_buckets(spaces, process=_WHO)
    wiring = wire(settings, spaces, metrics)
    identity = settings.identity or f"{socket.gethostname()}-{os.getpid()}"
    leadership = Leadership(wiring.cluster, name=settings.lease_name, identity=identity, timing=settings.lease_timing)
    metrics.export_leadership(lambda: leadership.is_held)
    try:
        if not wait_for_kind(wiring.cluster, stop, process=_WHO):
            return 0
        leadership.start(on_lost=_end_at_once)
        log.info("waiting_for_lease", identity=identity)
        while not stop.is_set() and not leadership.wait_until_held(timeout_seconds=_LOOK_FOR_SIGNAL_SECONDS):
            pass
        if not stop.is_set():
            health.is_leading = True
            asyncio.run(_lead(settings, wiring, health, stop))
    except Exception:
        # Such as a watch that ended in an error that kopf does not pass over. Whoever runs us starts us again, and what
        # is told of it is one line like all others, free of secrets.
        log.exception("process_failed")
        return 1
    else:
        return 0
    finally:
        health.is_stopping = True
        leadership.stop()
        wiring.close()
        server.shutdown()
        log.info("stopped")


def _read() -> tuple[Settings, StorageSettings]:
    return read_settings(Settings, process=_WHO), read_settings(StorageSettings, process=_WHO)


async def _lead(settings: Settings, wiring: Wiring, health: Health, stop: threading.Event) -> None:
    """Read every resource, then watch and work until ``stop``, or until kopf gives up."""
    cache = ResourceCache()
    queue = WorkQueue(time.monotonic, scale=settings.time_scale, metrics=wiring.metrics.queue)
    wiring.metrics.state.queue = queue.state
    resync = Resync(wiring.dependencies, cache, queue, clock=lambda: datetime.now(UTC))
    beating = asyncio.create_task(_heartbeat(health))
    try:
        if await asyncio.to_thread(wait_for_cache_sync, stop, resync, on_task_end=wiring.metrics.task_ended):
            await _work(settings, wiring, cache, queue, resync, stop)
    finally:
        beating.cancel()


async def _work(
    settings: Settings, wiring: Wiring, cache: ResourceCache, queue: WorkQueue, resync: Resync, stop: threading.Event
) -> None:
    """Watch and work; at the end let running passes end."""
    workers = Workers(
        queue,
        cache,
        wiring.dependencies,
        count=settings.workers,
        clock=lambda: datetime.now(UTC),
        on_pass_end=wiring.metrics.pass_ended,
    )
    ended = threading.Event()
    threads = _background_threads(settings, wiring, cache, queue, resync, ended)
    for thread in threads:
        thread.start()
    workers.start()
    try:
        await kopf.operator(
            registry=registry_for(cache, queue, kubeconfig=settings.kubeconfig, count_event=wiring.metrics.watch_event),
            namespaces=[settings.namespace],
            standalone=True,
            stop_flag=stop,
        )
    finally:
        log.info("stopping")
        # kopf has its own signal handler, and a thread of its own that waits for our flag: let it end.
        stop.set()
        ended.set()
        is_clean = await asyncio.to_thread(workers.stop, grace_seconds=settings.shutdown_grace_seconds)
        for thread in threads:
            thread.join(2)
        log.info("workers_stopped", clean=is_clean)


def _background_threads(
    settings: Settings, wiring: Wiring, cache: ResourceCache, queue: WorkQueue, resync: Resync, ended: threading.Event
) -> list[threading.Thread]:
    """Return what turns beside the workers until ``ended``."""
    abandoned = AbandonedUploads(wiring.dependencies, clock=lambda: datetime.now(UTC))
    on_task_end, scale = wiring.metrics.task_ended, settings.time_scale

    def repeating(name: str, task: Callable[[], int], every_seconds: float) -> threading.Thread:
        return threading.Thread(
            target=repeat_until,
            args=(ended, name, task),
            kwargs={"every_seconds": every_seconds * scale, "on_task_end": on_task_end},
        )

    return [
        threading.Thread(target=listen, args=(ended, settings.database_url.get_secret_value(), queue)),
        threading.Thread(
            target=resync_until,
            args=(ended, resync, cache),
            kwargs={
                "sweep_seconds": settings.sweep_seconds * scale,
                "resync_seconds": settings.resync_seconds * scale,
                "on_task_end": on_task_end,
            },
        ),
        repeating("abandoned_uploads", abandoned.abort_abandoned, settings.resync_seconds),
        repeating("stats", wiring.collect_stats, _STATS_SECONDS),
        threading.Thread(
            target=wiring.dispatcher.send_until, args=(ended,), kwargs={"every_seconds": settings.outbox_seconds}
        ),
        *audit_threads(ended, wiring.audit, settings.audit_schedule, AuditMetrics(wiring.metrics.registry)),
    ]


async def _heartbeat(health: Health) -> None:
    while True:
        health.beat()
        await asyncio.sleep(_BEAT_SECONDS)


def _end_at_once() -> None:
    """Another process may lead by now: stop without finishing anything. Intents on record make that safe."""
    log.error("lease_lost")
    sys.stderr.flush()
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
