"""Threads that fetch files from URLs: few, so that slow servers hold nothing but each other, and fair to all owners.

A pass requests a fetch and does not wait for it; when one ends, it requests a pass. What waits here is forgotten with
the process: the rows know it, and the next passes request it again.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import structlog

from domain.errors import UpstreamError
from runtime.heartbeats import Heartbeats

log = structlog.get_logger(__name__)

# Further ones are requested again at their next check.
_WAITING_MAX = 10_000
# One transfer lasts an hour at most (controller/sources/reader.py); joining its parts takes minutes.
_FETCH_SECONDS = 3600.0 + 900.0
# After an error that no rule explains.
_PAUSE_SECONDS = 60.0

# Fetches one video's file, and returns in how many seconds a pass is due; None if none is.
Fetch = Callable[[str], float | None]


@dataclass(frozen=True)
class FetchState:
    """How many files are being fetched, and how many of those that passes requested wait for a thread."""

    running: int
    waiting: int


class FetchPool:
    """Fetches at most ``at_once`` files at the same time, and of one owner half of them. Begins none before `start`."""

    def __init__(self, *, at_once: int, beats: Heartbeats) -> None:
        self._at_once, self._of_owner = at_once, max(1, at_once // 2)
        self._beats = beats
        self._fetch: Fetch = lambda _video_id: None
        self._wake: Callable[[str, float], None] = lambda _video_id, _seconds: None
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()
        self._waiting_count = 0
        self._running: dict[str, str] = {}
        self._is_stopped = True

    def request(self, video_id: str, owner: str) -> bool:
        """Have a file fetched. Return whether that is under way; else it waits for others."""
        with self._lock:
            is_waiting = video_id in self._waiting.get(owner, ())
            if video_id not in self._running and not is_waiting and self._waiting_count < _WAITING_MAX:
                self._waiting.setdefault(owner, OrderedDict())[video_id] = None
                self._waiting_count += 1
            self._start_next()
            return video_id in self._running

    def state(self) -> FetchState:
        """Return what runs and what waits at this moment."""
        with self._lock:
            return FetchState(len(self._running), self._waiting_count)

    def start(self, fetch: Fetch, *, wake: Callable[[str, float], None]) -> None:
        """Begin what was requested. ``wake`` requests a pass over a video after some seconds."""
        with self._lock:
            self._fetch, self._wake, self._is_stopped = fetch, wake, False
            self._start_next()

    def stop(self) -> None:
        """Begin no further fetch. Those under way end with the process, and are continued by the next one."""
        with self._lock:
            self._is_stopped = True

    def _start_next(self) -> None:
        """Start what there is a place for. The lock is held."""
        while not self._is_stopped and len(self._running) < self._at_once:
            running = Counter(self._running.values())
            owner = next((owner for owner in self._waiting if running[owner] < self._of_owner), None)
            if owner is None:
                return
            videos = self._waiting.pop(owner)
            video_id, _ = videos.popitem(last=False)
            if videos:
                self._waiting[owner] = videos  # behind all other owners
            self._waiting_count -= 1
            # A daemon, so that the process does not wait for a slow server when it ends.
            self._beats.thread(
                "source_fetch", partial(self._run, video_id), at_most_seconds=_FETCH_SECONDS, daemon=True
            ).start()
            self._running[video_id] = owner

    def _run(self, video_id: str) -> None:
        seconds: float | None = _PAUSE_SECONDS
        try:
            seconds = self._fetch(video_id)
        except UpstreamError as error:
            log.warning("source_fetch_interrupted", video_id=video_id, error=str(error))
        except Exception:
            log.exception("source_fetch_failed", video_id=video_id)
        finally:
            with self._lock:
                self._running.pop(video_id, None)
                self._start_next()
            if seconds is not None:
                self._wake(video_id, seconds)
