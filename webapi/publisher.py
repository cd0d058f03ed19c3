"""The short way of a committed wish into Kubernetes. Trouble there never reaches a client.

Nothing is lost here: what is dropped, refused or cut off by a stop is found by the operator's sweep within 30 s.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog

from domain.errors import UnavailableError, UpstreamError
from domain.video import DesiredState
from webapi.metrics import ApiMetrics

_log = structlog.get_logger(__name__)

# While Kubernetes is away, trying for every wish would take more of the processor than the requests themselves.
_PAUSE_SECONDS = 1.0


class QueuedPublisher:
    """A bounded queue with its own threads. Of each video only the newest wish waits."""

    def __init__(
        self,
        apply: Callable[[DesiredState], object],
        metrics: ApiMetrics,
        *,
        capacity: int,
        threads: int,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        """Start the threads. ``apply`` writes one resource and raises NeighbourError.

        A thread that finds Kubernetes away rests for ``pause_seconds`` before its next wish.
        """
        self._apply = apply
        self._capacity = capacity
        self._pause_seconds = pause_seconds
        self._waiting: OrderedDict[str, DesiredState] = OrderedDict()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._results = {
            result: metrics.published.labels(result)
            for result in ("applied", "dropped", "unavailable", "refused", "failed")
        }
        metrics.waiting.set_function(self._length)
        self._threads = [
            threading.Thread(target=self._work, name=f"publisher-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def enqueue(self, desired: DesiredState) -> None:
        """Apply the wish soon, or drop it. Never blocks."""
        with self._changed:
            known = self._waiting.get(desired.video_id)
            if known is not None:
                # Two requests may come here in another order than they committed.
                if known.revision < desired.revision:
                    self._waiting[desired.video_id] = desired
            elif self._stopping.is_set() or len(self._waiting) >= self._capacity:
                self._results["dropped"].inc()
            else:
                self._waiting[desired.video_id] = desired
                self._changed.notify()

    def stop(self, *, within_seconds: float) -> None:
        """Apply what waits, as far as the time allows, and end the threads."""
        deadline = time.monotonic() + within_seconds
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            self._results["dropped"].inc(len(self._waiting))
            self._waiting.clear()

    def _work(self) -> None:
        while (desired := self._next()) is not None:
            outcome = self._outcome(desired)
            self._results[outcome].inc()
            if outcome == "unavailable":
                self._stopping.wait(self._pause_seconds)

    def _next(self) -> DesiredState | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
            return self._waiting.popitem(last=False)[1] if self._waiting else None

    def _outcome(self, desired: DesiredState) -> str:
        try:
            self._apply(desired)
        except UnavailableError as error:
            _log.warning("resource not applied", video=desired.video_id, detail=str(error))
            return "unavailable"
        except UpstreamError as error:
            _log.warning("resource refused", video=desired.video_id, detail=str(error))
            return "refused"
        except Exception:
            # The thread must outlive a bug, or every later wish would wait for the sweep.
            _log.exception("resource not applied", video=desired.video_id)
            return "failed"
        return "applied"

    def _length(self) -> float:
        return len(self._waiting)
