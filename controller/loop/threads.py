"""The operator's own threads: the ear at Postgres and the turning of the sweep. Each ends with the stop event.

What they begin with is here too: no pass is made before every resource was read once.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from controller.loop.cache import ResourceCache
from controller.loop.queue import WorkQueue
from controller.loop.resync import Resync
from database import notify
from domain.errors import UpstreamError

log = structlog.get_logger(__name__)

_QUIET_SECONDS = 1.0
_LISTEN_AGAIN_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.5
_LAST_PAUSE_SECONDS = 15.0


def listen(stop: threading.Event, database_url: str, queue: WorkQueue) -> None:
    """Turn nudges into passes until ``stop``; a lost connection is opened again."""
    while not stop.is_set():
        try:
            for nudge in notify.listen(database_url, quiet_seconds=_QUIET_SECONDS):
                if stop.is_set():
                    return
                if nudge is not None:
                    queue.add(nudge.video_id, nudge.cause)
        except UpstreamError as error:
            log.warning("not_listening", why=str(error))
            stop.wait(_LISTEN_AGAIN_SECONDS)
        except Exception:
            # Without its ear the operator would go on, only slower, and nobody would see why.
            log.exception("listening_broke")
            stop.wait(_LISTEN_AGAIN_SECONDS)


# Who counts comparisons: which half, and how many uploads it found; None where it did not come to its end.
ResyncNote = Callable[[str, int | None], None]


def _uncounted(_half: str, _found: int | None) -> None: ...


def wait_for_cache_sync(stop: threading.Event, resync: Resync, *, note: ResyncNote = _uncounted) -> bool:
    """Read every resource, however often that takes; tells whether it was done before ``stop``.

    Whether a person holds an upload, and whether a row is behind its resource, is known only from there.
    """
    pause_seconds = _FIRST_PAUSE_SECONDS
    while not stop.is_set():
        if _attempt("first_list", resync.resources, note):
            return True
        stop.wait(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LAST_PAUSE_SECONDS)
    return False


def resync_until(
    stop: threading.Event,
    resync: Resync,
    known: ResourceCache,
    *,
    sweep_seconds: float,
    resync_seconds: float,
    note: ResyncNote = _uncounted,
) -> None:
    """Compare rows and resources again and again until ``stop``; every resource was just read (`wait_for_cache_sync`).

    First every row is asked for that is not at rest, until that was done once: what happened while nobody looked is
    found there, and whatever is not planned then is planned by nobody.
    """
    turns_per_resync = max(1, round(resync_seconds / sweep_seconds))
    turn, has_started = 0, False
    while not stop.is_set():
        if turn > 0 and turn % turns_per_resync == 0:
            _attempt("resync", resync.resources, note)
        if has_started:
            _attempt("sweep", resync.rows, note)
        else:
            has_started = _attempt("start", resync.start, note)
        turn += 1
        stop.wait(sweep_seconds)
    log.debug("sweep_stopped", resources=len(known.names()))


def repeat_until(
    stop: threading.Event,
    name: str,
    half: Callable[[], int],
    *,
    every_seconds: float,
    note: ResyncNote = _uncounted,
) -> None:
    """Make one comparison again and again until ``stop``."""
    while not stop.wait(every_seconds):
        _attempt(name, half, note)


def _attempt(name: str, half: Callable[[], int], note: ResyncNote) -> bool:
    """Make one half of the comparison; tells whether it came to its end."""
    try:
        found = half()
    except UpstreamError as error:
        log.warning("sweep_put_off", half=name, why=str(error))
        note(name, None)
        return False
    except Exception:
        # One thing that cannot be read must not end the sweeping of all others.
        log.exception("sweep_broke", half=name)
        note(name, None)
        return False
    note(name, found)
    if found:
        log.info("sweep_found", half=name, uploads=found)
    return True


class Joinable(Protocol):
    """As much of a thread as waiting for its end needs."""

    def join(self, timeout: float) -> None:
        """Wait for the end, but not longer."""

    def is_alive(self) -> bool:
        """Tell whether the end is still to come."""
        ...


def joined(threads: Sequence[Joinable], *, grace_seconds: float, monotonic: Callable[[], float]) -> bool:
    """Wait for all threads; tells whether all ended. The grace is one for all: any of them may need the whole."""
    end = monotonic() + grace_seconds
    for thread in threads:
        thread.join(max(0.0, end - monotonic()))
    return not any(thread.is_alive() for thread in threads)
