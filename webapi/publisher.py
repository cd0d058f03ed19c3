"""Applies committed desired state to Kubernetes in the background, so its failures never reach a client.

Nothing is lost here: the operator's resync finds what was dropped, refused or cut off by a stop within 30 s.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection

import structlog

from domain.errors import UnavailableError, UpstreamError
from domain.video import DesiredState
from runtime import heartbeats
from runtime.heartbeats import Heartbeats
from webapi.metrics import ApiMetrics

_log = structlog.get_logger(__name__)

# While Kubernetes is unavailable, trying every resource would cost more CPU than the requests themselves.
_PAUSE_SECONDS = 1.0


class QueuedPublisher:
    """A bounded queue with threads. It keeps only the newest desired state of each video."""

    def __init__(  # noqa: PLR0913 - all by name but two, and tests set the last two
        self,
        apply: Callable[[DesiredState], object],
        metrics: ApiMetrics,
        *,
        capacity: int,
        threads: int,
        beats: Heartbeats,
        elsewhere: Collection[str] = (),
        pause_seconds: float = _PAUSE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the threads. ``apply`` writes one resource and raises UpstreamError.

        A thread that finds Kubernetes unavailable pauses for ``pause_seconds``. ``elsewhere``: the regions whose
        resources are in another cluster, where their operator makes them.
        """
        self._apply = apply
        self._capacity = capacity
        self._elsewhere = frozenset(elsewhere)
        self._pause_seconds = pause_seconds
        self._monotonic = monotonic
        self._waiting: OrderedDict[str, DesiredState] = OrderedDict()
        # Since when each one waits, those included that a thread is applying.
        self._since: dict[str, float] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._results = {
            result: metrics.published.labels(result)
            for result in ("applied", "dropped", "unavailable", "refused", "failed")
        }
        self._metrics = metrics
        metrics.samplers.append(self._sample)
        self._threads = [
            beats.thread("publisher", self._work, name=f"publisher-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def enqueue(self, desired: DesiredState) -> None:
        """Apply the desired state soon, or drop it. Never blocks."""
        if desired.region in self._elsewhere:
            return
        with self._changed:
            waiting = self._waiting.get(desired.video_id)
            if waiting is not None:
                # Two requests may arrive here in another order than they committed.
                if waiting.revision < desired.revision:
                    self._waiting[desired.video_id] = desired
            elif self._stopping.is_set() or len(self._waiting) >= self._capacity:
                self._results["dropped"].inc()
            else:
                self._waiting[desired.video_id] = desired
                self._since.setdefault(desired.video_id, self._monotonic())
                self._changed.notify()

    def stop(self, *, within_seconds: float) -> None:
        """Apply what waits, as far as the time allows, and stop the threads."""
        deadline = time.monotonic() + within_seconds
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            self._results["dropped"].inc(len(self._waiting))
            self._waiting.clear()
            self._since.clear()

    def _work(self) -> None:
        while (desired := self._next()) is not None:
            result = self._publish(desired)
            self._results[result].inc()
            self._published(desired.video_id)
            if result == "unavailable":
                heartbeats.wait(self._stopping, self._pause_seconds)

    def _next(self) -> DesiredState | None:
        with self._changed:
            while not self._waiting and not self._stopping.is_set():
                heartbeats.record()
                self._changed.wait(heartbeats.bounded_wait(None))
            heartbeats.record()
            return self._waiting.popitem(last=False)[1] if self._waiting else None

    def _published(self, video_id: str) -> None:
        with self._changed:
            if video_id in self._waiting:
                self._since[video_id] = self._monotonic()  # a newer state came meanwhile
            else:
                self._since.pop(video_id, None)

    def _publish(self, desired: DesiredState) -> str:
        try:
            self._apply(desired)
        except UnavailableError as error:
            _log.warning("resource_not_applied", video_id=desired.video_id, error=str(error))
            return "unavailable"
        except UpstreamError as error:
            _log.warning("resource_refused", video_id=desired.video_id, error=str(error))
            return "refused"
        except Exception:
            # A bug must not end the thread: every later change would wait for the resync.
            _log.exception("resource_not_applied", video_id=desired.video_id)
            return "failed"
        return "applied"

    def _sample(self) -> None:
        with self._changed:
            waiting, oldest = len(self._waiting), min(self._since.values(), default=None)
        self._metrics.waiting.set(waiting)
        self._metrics.oldest_waiting.set(0.0 if oldest is None else self._monotonic() - oldest)
