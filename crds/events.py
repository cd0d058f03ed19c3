"""Events of Kubernetes, which `kubectl describe` shows: what one says, and the recorder that posts them.

Only people read them, and Kubernetes forgets them within an hour. So a pass hands its Event over and goes on: the
recorder posts it from a thread of its own, tries it again while the API server is away, and drops the oldest ones when
too many wait.
"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

import structlog

from crds.resource import Resource
from domain.errors import ConflictError, UnavailableError, UpstreamError
from runtime import heartbeats
from runtime.heartbeats import Heartbeats

log = structlog.get_logger(__name__)

# Room for those of some hundred uploads while the API server is away or slow. An Event takes about a kilobyte.
_CAPACITY = 1_000
_FIRST_PAUSE_SECONDS = 1.0
_LAST_PAUSE_SECONDS = 30.0
# A name may have 253 characters; that of an Event ends in 17 more.
_NAME_MAX = 230


@dataclass(frozen=True)
class ResourceEvent:
    """One Event about a resource. ``name`` is the Event's own, so a request that is repeated creates no second one."""

    name: str
    resource_name: str
    resource_uid: str
    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    at: datetime

    @classmethod
    def about(
        cls,
        resource: Resource,
        *,
        type: Literal["Normal", "Warning"],  # noqa: A002 - Kubernetes' name of the field
        reason: str,
        message: str,
        at: datetime,
    ) -> "ResourceEvent":
        """Return an Event with a new name."""
        prefix = resource.name[:_NAME_MAX].rstrip("-.")
        name = f"{prefix}.{secrets.token_hex(8)}"
        return cls(name, resource.name, resource.uid, type, reason, message, at)


class EventResult(StrEnum):
    """What became of an Event. `dropped`: too many waited, or the process ended."""

    POSTED = "posted"
    REFUSED = "refused"
    DROPPED = "dropped"


class EventRecorder:
    """A bounded queue with one thread. ``on_result`` receives what became of each Event, and of how many."""

    def __init__(
        self,
        post: Callable[[ResourceEvent], None],
        *,
        on_result: Callable[[EventResult, int], None] = lambda _result, _count: None,
        capacity: int = _CAPACITY,
        first_pause_seconds: float = _FIRST_PAUSE_SECONDS,
    ) -> None:
        """``post`` creates one Event; it raises UpstreamError, ConflictError if there is one of its name."""
        self._post = post
        self._on_result = on_result
        self._capacity = capacity
        self._first_pause_seconds = first_pause_seconds
        self._waiting: deque[ResourceEvent] = deque()
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, beats: Heartbeats) -> None:
        """Start posting."""
        self._thread = beats.thread("events", self._run, daemon=True)
        self._thread.start()

    def record(self, event: ResourceEvent) -> None:
        """Post an Event soon. Never waits; the oldest one is dropped when too many wait."""
        with self._changed:
            self._waiting.append(event)
            self._drop(len(self._waiting) - self._capacity)
            self._changed.notify()

    def stop(self, *, within_seconds: float) -> None:
        """Post what waits, as far as the time allows and the API server answers, and drop the rest."""
        deadline = time.monotonic() + within_seconds
        with self._changed:
            self._stopping.set()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            self._drop(len(self._waiting))

    def _run(self) -> None:
        pause_seconds = self._first_pause_seconds
        while (event := self._next()) is not None:
            try:
                self._on_result(self._result_of(event), 1)
            except UnavailableError as error:
                log.warning("event_not_posted", video_id=event.resource_name, error=str(error))
                self._put_back(event)
                heartbeats.wait(self._stopping, min(_LAST_PAUSE_SECONDS, error.retry_after_seconds or pause_seconds))
                if self._stopping.is_set():
                    return
                pause_seconds = min(_LAST_PAUSE_SECONDS, 2 * pause_seconds)
            else:
                pause_seconds = self._first_pause_seconds

    def _next(self) -> ResourceEvent | None:
        """Wait for an Event and take it; None once all are posted and the process ends."""
        with self._changed:
            while not self._waiting and not self._stopping.is_set():
                heartbeats.record()
                self._changed.wait(heartbeats.bounded_wait(None))
            heartbeats.record()
            return self._waiting.popleft() if self._waiting else None

    def _put_back(self, event: ResourceEvent) -> None:
        with self._changed:
            self._waiting.appendleft(event)
            self._drop(len(self._waiting) - self._capacity)

    def _result_of(self, event: ResourceEvent) -> EventResult:
        """Post one Event. Raises UnavailableError."""
        try:
            self._post(event)
        except ConflictError:
            return EventResult.POSTED  # by an earlier request, whose answer was lost
        except UnavailableError:
            raise
        except UpstreamError as error:
            log.warning("event_refused", video_id=event.resource_name, error=str(error))
            return EventResult.REFUSED
        except Exception:
            # A bug must not end the thread: nothing else posts Events.
            log.exception("event_refused", video_id=event.resource_name)
            return EventResult.REFUSED
        return EventResult.POSTED

    def _drop(self, count: int) -> None:
        """Drop the oldest ones. The caller holds the lock."""
        if count > 0:
            for _ in range(count):
                self._waiting.popleft()
            self._on_result(EventResult.DROPPED, count)
