"""The operator's process: starts the probes, waits for the Lease, runs the loop, and exits when the Lease is lost.

kopf runs in this process and only watches. Its own health server starts after its start-up handlers return, so a
standby that waited for the Lease there would be killed; the probes here answer from the start.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import kopf
import structlog

from controller.actions.multipart_gc import AbandonedUploads
from controller.audit.metrics import AuditMetrics
from controller.audit.scheduler import audit_threads
from controller.leader.election import Leadership
from controller.loop.cache import ResourceCache
from controller.loop.handlers import registry_for
from controller.loop.profiles import ProfileMirror
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from controller.loop.rollouts import RolloutRunner
from controller.loop.threads import listen, repeat_until, resync_until, wait_for_cache_sync
from controller.loop.workers import Workers
from controller.metrics.registry import OperatorMetrics
from controller.settings import OperatorSettings
from controller.wiring import Wiring, wire
from crds.profile_resources import ProfileResources
from crds.schema_version import wait_for_kind
from domain.records import Cause
from runtime import heartbeats
from runtime.clock import Clocks
from runtime.clock_metrics import ClockSkewCollector
from runtime.heartbeat_metrics import HeartbeatCollector
from runtime.heartbeats import Heartbeat, Heartbeats
from runtime.logs import configure
from runtime.probes import ProcessHealth, serve
from runtime.secret_files import SecretFiles, on_change
from runtime.settings import read_settings
from runtime.tracing import UNTRACED, TracingSettings, tracing_of
from storage.settings import OPERATOR_KEYS, StorageSettings, require_narrow_keys
from storage.startup_check import check_buckets

log = structlog.get_logger(__name__)

_PROCESS = "the operator"
_HEARTBEAT_SECONDS = 1.0
# The usual scrape interval of Prometheus.
_STATS_SECONDS = 15.0
# How long a new profile is unknown to the API, at most.
_PROFILES_SECONDS = 5.0
# How long a place is free before a rollout takes it, at most.
_ROLLOUTS_SECONDS = 5.0
# An event loop that has not run for so long is stuck: nothing in it may wait.
_SILENT_SECONDS = 60.0
_SIGNAL_POLL_SECONDS = 0.5
# The last Events of the passes that were ended: a few, which take milliseconds each while the API server answers.
_EVENTS_SECONDS = 2.0


def main() -> int:
    """Run until SIGTERM; returns the exit status."""
    secret_files = SecretFiles.from_environment(_read)
    settings, storage_settings, tracing_settings = _read()
    configure(settings.log_format, settings.log_level)
    stop, beats = threading.Event(), Heartbeats()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if secret_files is not None:
        # Stops as at SIGTERM, and Kubernetes starts it again with the new credentials; a standby leads meanwhile.
        on_change(secret_files, stop.set, beats=beats)
    health = ProcessHealth(beats)
    clocks, tracing = Clocks.make(), tracing_of(tracing_settings, service="video-uploads-operator")
    metrics = OperatorMetrics(
        workers=settings.workers,
        prices=settings.prices,
        clock=clocks.postgres,
        with_exemplars=tracing is not UNTRACED,
    )
    metrics.registry.register(ClockSkewCollector(clocks.by_name()))
    metrics.registry.register(HeartbeatCollector(beats))
    server = serve(health, metrics.exposition, host=settings.probe_host, port=settings.probe_port)
    check_buckets(storage_settings, process=_PROCESS)
    wiring = wire(settings, storage_settings, metrics, beats, clocks, tracing)
    identity = settings.identity or f"{socket.gethostname()}-{os.getpid()}"
    leadership = Leadership(
        wiring.cluster, name=settings.lease, identity=identity, timing=settings.lease_timing, beats=beats
    )
    metrics.export_leadership(lambda: leadership.is_held)
    wiring = replace(wiring, dependencies=replace(wiring.dependencies, is_leading=lambda: leadership.is_held))
    try:
        with beats.during("standby"):
            if not wait_for_kind(wiring.cluster, stop, process=_PROCESS):
                return 0
            leadership.start(on_lost=_end_at_once)
            log.info("waiting_for_lease", identity=identity)
            while not stop.is_set() and not leadership.wait_until_held(timeout_seconds=_SIGNAL_POLL_SECONDS):
                heartbeats.record()
        if not stop.is_set():
            asyncio.run(_Leader(settings, wiring, stop, beats).run())
    except Exception:
        # For example a watch that ended in an error which kopf does not retry. Kubernetes starts the process again; one
        # log line, with secrets redacted, instead of a bare traceback.
        log.exception("process_failed")
        return 1
    else:
        return 0
    finally:
        health.is_stopping = True
        leadership.stop()
        wiring.close()
        tracing.stop()
        server.shutdown()
        log.info("stopped")


def _read() -> tuple[OperatorSettings, StorageSettings, TracingSettings]:
    settings, storage_settings, tracing_settings = (
        read_settings(OperatorSettings, process=_PROCESS),
        read_settings(StorageSettings, process=_PROCESS),
        read_settings(TracingSettings, process=_PROCESS),
    )
    require_narrow_keys(storage_settings, OPERATOR_KEYS, peer=settings.coconut_url, process=_PROCESS)
    return settings, storage_settings, tracing_settings


class _Leader:
    """What runs while this process leads: the watch, the workers and the background threads."""

    def __init__(self, settings: OperatorSettings, wiring: Wiring, stop: threading.Event, beats: Heartbeats) -> None:
        self._settings = settings
        self._wiring = wiring
        self._stop = stop
        self._beats = beats
        self._cache = ResourceCache(settings.scope)
        self._queue = WorkQueue(
            time.monotonic,
            scale=settings.time_scale,
            metrics=wiring.metrics.queue,
            owner_of=self._cache.owner_of,
        )
        self._resync = Resync(wiring.dependencies, self._cache, self._queue, clock=self._wiring.clock)

    async def run(self) -> None:
        """List every resource, then watch and work until ``stop``, or until kopf fails."""
        metrics = self._wiring.metrics
        metrics.state.queue = self._queue.state
        self._wiring.dependencies.limiter.wake = lambda video_id: self._queue.add(video_id, Cause.POLL)
        with self._beats.during("event-loop", at_most_seconds=_SILENT_SECONDS) as beat:
            heartbeat = asyncio.create_task(_heartbeat(beat))
            try:
                if await asyncio.to_thread(self._list_first):
                    await self._work()
            finally:
                heartbeat.cancel()

    def _list_first(self) -> bool:
        with self._beats.during("first-list"):
            return wait_for_cache_sync(
                self._stop,
                self._resync,
                # Each call on Postgres first asks the time, if it is not known yet.
                learn_time=self._wiring.database.check,
                on_task_end=self._wiring.metrics.task_ended,
            )

    async def _work(self) -> None:
        """Watch and work; at the end wait for the running passes."""
        settings, metrics, ended = self._settings, self._wiring.metrics, threading.Event()
        workers = Workers(
            self._queue,
            self._cache,
            self._wiring.dependencies,
            count=settings.workers,
            clock=self._wiring.clock,
            on_pass_end=metrics.pass_ended,
        )
        threads, events = self._background_threads(ended), self._wiring.dependencies.events
        for thread in threads:
            thread.start()
        events.start(self._beats)
        self._start_fetches()
        workers.start(self._beats)
        registry = registry_for(
            self._cache,
            self._queue,
            self._wiring.signatures,
            kubeconfig=settings.kubeconfig,
            count_event=metrics.watch_event,
            # kopf handles signals itself and then waits five seconds for the thread that waits for this flag.
            on_exit=self._stop.set,
        )
        try:
            await kopf.operator(
                registry=registry, namespaces=[settings.namespace], standalone=True, stop_flag=self._stop
            )
        finally:
            log.info("stopping")
            self._stop.set()
            ended.set()
            self._wiring.fetch_pool.stop()
            is_clean = await asyncio.to_thread(workers.stop, grace_seconds=settings.shutdown_grace_seconds)
            for thread in threads:
                thread.join(2)
            await asyncio.to_thread(events.stop, within_seconds=_EVENTS_SECONDS)
            log.info("workers_stopped", clean=is_clean)

    def _start_fetches(self) -> None:
        def wake(video_id: str, after_seconds: float = 0.0) -> None:
            self._queue.add(video_id, Cause.POLL, after_seconds=after_seconds)

        self._wiring.fetch_pool.start(lambda video_id: self._wiring.fetch(video_id, partial(wake, video_id)), wake=wake)

    def _background_threads(self, ended: threading.Event) -> list[threading.Thread]:
        """Return the threads that run beside the workers until ``ended``."""
        settings, wiring, scale = self._settings, self._wiring, self._settings.time_scale
        on_task_end, beats = wiring.metrics.task_ended, self._beats

        def repeating(name: str, task: Callable[[], int], every_seconds: float) -> threading.Thread:
            run = partial(repeat_until, ended, name, task, every_seconds=every_seconds * scale, on_task_end=on_task_end)
            return beats.thread(name, run)

        resync = partial(
            resync_until,
            ended,
            self._resync,
            self._cache,
            sweep_seconds=settings.sweep_seconds * scale,
            resync_seconds=settings.resync_seconds * scale,
            on_task_end=on_task_end,
        )
        profiles = ProfileMirror(
            ProfileResources(wiring.cluster),
            wiring.dependencies.profiles,
            wiring.rollouts,
            self._queue,
            clock=self._wiring.clock,
            prices=settings.prices,
            limits=settings.spending,
            scale=scale,
        )
        rollouts = RolloutRunner(
            wiring.rollouts, wiring.dependencies.limiter, settings.spending, clock=self._wiring.clock
        )
        abandoned = AbandonedUploads(wiring.dependencies, clock=self._wiring.clock)
        return [
            beats.thread("listen", partial(listen, ended, settings.database_url.get_secret_value(), self._queue)),
            beats.thread("resync", resync),
            repeating("abandoned_uploads", abandoned.abort_abandoned, settings.resync_seconds),
            repeating("stats", wiring.collect_stats, _STATS_SECONDS),
            # One for all regions: operators in clusters of their own would each take over other profiles.
            *([repeating("profiles", profiles.mirror, _PROFILES_SECONDS)] if settings.scope.is_home else []),
            repeating("rollouts", rollouts.run, _ROLLOUTS_SECONDS),
            beats.thread("outbox", partial(wiring.dispatcher.send_until, ended, every_seconds=settings.outbox_seconds)),
            *audit_threads(
                ended, wiring.audit, settings.audit_schedule, AuditMetrics(wiring.metrics.registry, wiring.clock), beats
            ),
        ]


async def _heartbeat(beat: Heartbeat) -> None:
    while True:
        beat.record()
        await asyncio.sleep(_HEARTBEAT_SECONDS)


def _end_at_once() -> None:
    """Exit without finishing anything, because another process may lead by now. Stored intents make that safe."""
    log.error("lease_lost")
    sys.stderr.flush()
    os._exit(3)


if __name__ == "__main__":
    sys.exit(main())
