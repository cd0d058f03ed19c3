"""Background threads: LISTEN on Postgres, and the periodic resync. Each ends with the stop event.

The first list is here too: no pass is made before every resource was read once.
"""

import threading
from collections.abc import Callable, Sequence

import structlog

from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from database import wakeups
from domain.errors import UpstreamError
from runtime import heartbeats

log = structlog.get_logger(__name__)

_QUIET_SECONDS = 1.0
_LISTEN_AGAIN_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.5
_LAST_PAUSE_SECONDS = 15.0


def listen(stop: threading.Event, database_url: str, queue: WorkQueue) -> None:
    """Request a pass for each nudge until ``stop``; reconnect when the connection is lost."""
    while not stop.is_set():
        try:
            for nudge in wakeups.listen(database_url, quiet_seconds=_QUIET_SECONDS):
                heartbeats.record()
                if stop.is_set():
                    return
                if nudge is not None:
                    queue.add(nudge.video_id, nudge.cause)
        except UpstreamError as error:
            log.warning("listen_interrupted", error=str(error))
            heartbeats.wait(stop, _LISTEN_AGAIN_SECONDS)
        except Exception:
            # Without LISTEN the operator silently falls back to polling.
            log.exception("listen_failed")
            heartbeats.wait(stop, _LISTEN_AGAIN_SECONDS)


# Receives each task's name and how many uploads it found; None if it failed.
OnTaskEnd = Callable[[str, int | None], None]


def _ignore(_task: str, _found: int | None) -> None: ...


def wait_for_cache_sync(
    stop: threading.Event,
    resync: Resync,
    *,
    learn_time: Callable[[], None] = lambda: None,
    on_task_end: OnTaskEnd = _ignore,
) -> bool:
    """Learn the time and list every resource, and repeat until that succeeds; return False if ``stop`` came first.

    Before that, the operator does not know what is due, which uploads are paused and which rows are behind their
    resources.
    """

    def first_list() -> int:
        learn_time()
        return resync.resources()

    pause_seconds = _FIRST_PAUSE_SECONDS
    while not stop.is_set():
        if _run("first_list", first_list, on_task_end):
            return True
        heartbeats.wait(stop, pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LAST_PAUSE_SECONDS)
    return False


def resync_until(
    stop: threading.Event,
    resync: Resync,
    cache: ResourceCache,
    *,
    sweep_seconds: float,
    resync_seconds: float,
    on_task_end: OnTaskEnd = _ignore,
) -> None:
    """Compare rows and resources periodically until ``stop``, beginning after `wait_for_cache_sync`.

    The first comparison requests a pass over every row that is not at rest, until it succeeds once: no other place
    schedules the uploads that changed while no operator ran.
    """
    sweeps_per_resync = max(1, round(resync_seconds / sweep_seconds))
    sweeps, has_started = 0, False
    while not stop.is_set():
        if sweeps > 0 and sweeps % sweeps_per_resync == 0:
            _run("resync", resync.resources, on_task_end)
        if has_started:
            _run("sweep", resync.rows, on_task_end)
        else:
            has_started = _run("start", resync.all_pending, on_task_end)
        sweeps += 1
        heartbeats.wait(stop, sweep_seconds)
    log.debug("resync_stopped", resources=len(cache.names()))


def repeat_until(
    stop: threading.Event,
    name: str,
    task: Callable[[], int],
    *,
    every_seconds: float,
    on_task_end: OnTaskEnd = _ignore,
) -> None:
    """Run one task periodically until ``stop``."""
    while not heartbeats.wait(stop, every_seconds):
        _run(name, task, on_task_end)


def _run(name: str, task: Callable[[], int], on_task_end: OnTaskEnd) -> bool:
    """Run one task; return whether it succeeded."""
    heartbeats.record()
    try:
        found = task()
    except UpstreamError as error:
        log.warning("task_interrupted", task=name, error=str(error))
        on_task_end(name, None)
        return False
    except Exception:
        # One thing that cannot be read must not end the comparison of all others.
        log.exception("task_failed", task=name)
        on_task_end(name, None)
        return False
    on_task_end(name, found)
    if found:
        log.info("task_completed", task=name, uploads=found)
    return True


def joined(threads: Sequence[threading.Thread], *, grace_seconds: float, monotonic: Callable[[], float]) -> bool:
    """Wait for all threads, which share the grace; return whether all ended."""
    end = monotonic() + grace_seconds
    for thread in threads:
        thread.join(max(0.0, end - monotonic()))
    return not any(thread.is_alive() for thread in threads)
