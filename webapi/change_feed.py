"""Tells this process which videos have changed: LISTEN for speed, a comparison every few seconds for certainty.

The comparison asks Postgres for the revisions of all videos that are waited for, in one statement. It finds what no
announcement brought: while LISTEN is lost, behind a pooler that swallows it, or from a release that does not announce.
"""

import itertools
import threading
import time
from collections.abc import Callable

import structlog

from database import wakeups
from database.queries import VideoQueries
from domain.errors import UpstreamError
from runtime import heartbeats
from runtime.heartbeats import Heartbeats
from webapi.metrics import ApiMetrics
from webapi.waits import Waits

_log = structlog.get_logger(__name__)

_QUIET_SECONDS = 1.0
_LISTEN_AGAIN_SECONDS = 1.0
# What a lost announcement costs. One statement over primary keys: about as much as a handful of reads.
COMPARE_SECONDS = 5.0
_COMPARED_AT_ONCE = 500


class ChangeFeed:
    """One thread with one connection of its own to Postgres, and the pool's for the comparison."""

    def __init__(
        self,
        database_url: str,
        queries: VideoQueries,
        waits: Waits,
        metrics: ApiMetrics,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database_url = database_url
        self._queries = queries
        self._waits = waits
        self._listening = metrics.listening
        self._monotonic = monotonic
        self._compared_at = monotonic()
        self._stopped = threading.Event()

    def start(self, beats: Heartbeats) -> None:
        """Listen in a thread until `stop`."""
        beats.thread("changes", self._run, daemon=True).start()

    def stop(self) -> None:
        """End the thread within a second or so."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except UpstreamError as error:
                _log.warning("listen_interrupted", error=str(error))
            except Exception:
                # Without LISTEN changes are only noticed later.
                _log.exception("listen_failed")
            self._listening.set(0)
            self._compare_if_due()
            heartbeats.wait(self._stopped, _LISTEN_AGAIN_SECONDS)

    def _listen(self) -> None:
        for video_id in wakeups.listen_for_changes(self._database_url, quiet_seconds=_QUIET_SECONDS):
            heartbeats.record()
            if self._stopped.is_set():
                return
            self._listening.set(1)
            if video_id is not None:
                self._waits.changed(video_id)
            self._compare_if_due()

    def _compare_if_due(self) -> None:
        if self._monotonic() < self._compared_at + COMPARE_SECONDS:
            return
        self._compared_at = self._monotonic()
        try:
            self.compare()
        except UpstreamError as error:
            _log.warning("comparison_failed", error=str(error))

    def compare(self) -> None:
        """Wake the requests whose videos have another revision than they know. Raises UnavailableError."""
        known = self._waits.revisions()
        ids = iter(known)
        while some := list(itertools.islice(ids, _COMPARED_AT_ONCE)):
            current = self._queries.revision_tags(some)
            for video_id in some:
                if known[video_id] != {current.get(video_id)}:
                    self._waits.changed(video_id)
