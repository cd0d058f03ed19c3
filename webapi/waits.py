"""Which requests of this process wait for a change of a video: a bounded register, and what wakes them.

A request that waits holds no thread. It is registered before its video is read, so a change between that look and the
wait is not missed. gunicorn's poller keeps its connection (webapi/server/waiting.py), change_feed.py reports changes.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from webapi.metrics import ApiMetrics


class WaitKind(StrEnum):
    """How a client waits."""

    POLL = "poll"
    STREAM = "stream"


class Refusal(StrEnum):
    """Why a client may not wait."""

    FULL = "full"
    OWNER = "owner"
    STOPPING = "stopping"


@dataclass(eq=False)
class WaitingClient:
    """One request that may wait. Only `Waits` changes it.

    ``revision``: what its client has, while it waits. ``has_changed``: whether the video has since the last look.
    ``wake``: what is called once when it does; None while nothing waits.
    """

    kind: WaitKind
    video_id: str
    owner: str
    revision: str | None = None
    has_changed: bool = False
    wake: Callable[[], object] | None = None


class Waits:
    """The register. Thread-safe, and nothing in it blocks."""

    def __init__(self, metrics: ApiMetrics, *, at_most: int, per_owner: int) -> None:
        """Let at most ``at_most`` requests wait at a time, and of each owner ``per_owner``."""
        self._at_most = at_most
        self._per_owner = per_owner
        self._lock = threading.Lock()
        self._of_video: dict[str, set[WaitingClient]] = defaultdict(set)
        self._of_owner: Counter[str] = Counter()
        self._count = 0
        self._is_closed = False
        self._open = {kind: metrics.waits_open.labels(kind) for kind in WaitKind}
        self._refused = {refusal: metrics.waits_refused.labels(refusal) for refusal in Refusal}

    @property
    def is_closed(self) -> bool:
        """True once the process stops."""
        return self._is_closed

    def enter(self, kind: WaitKind, video_id: str, owner: str) -> WaitingClient | None:
        """Register a request before it reads its video; None if it may not wait."""
        wait = WaitingClient(kind, video_id, owner)
        with self._lock:
            refusal = self._refusal(owner)
            if refusal is None:
                self._of_video[video_id].add(wait)
                self._of_owner[owner] += 1
                self._count += 1
        if refusal is not None:
            self._refused[refusal].inc()
            return None
        self._open[kind].inc()
        return wait

    def leave(self, wait: WaitingClient) -> None:
        """Remove a request that was answered, or whose client has gone. Safe to repeat."""
        with self._lock:
            waits = self._of_video.get(wait.video_id, set())
            if wait not in waits:
                return
            waits.discard(wait)
            if not waits:
                del self._of_video[wait.video_id]
            self._of_owner[wait.owner] -= 1
            if not self._of_owner[wait.owner]:
                del self._of_owner[wait.owner]
            self._count -= 1
            wait.wake = None
        self._open[wait.kind].dec()

    def look_again(self, wait: WaitingClient) -> None:
        """Note that the request is about to read its video again: changes before this moment do not count."""
        with self._lock:
            wait.has_changed, wait.wake = False, None

    def begin(self, wait: WaitingClient, revision: str, wake: Callable[[], object]) -> bool:
        """Wait until the video changes; False if it has changed since the last look began, and ``wake`` is not kept."""
        with self._lock:
            if wait.has_changed:
                return False
            wait.revision, wait.wake = revision, wake
            return True

    def changed(self, video_id: str) -> None:
        """Wake everything that waits for this video."""
        with self._lock:
            woken = []
            for wait in self._of_video.get(video_id, ()):
                wait.has_changed = True
                if wait.wake is not None:
                    woken.append(wait.wake)
                    wait.wake = None
        for wake in woken:
            wake()

    def revisions(self) -> dict[str, set[str]]:
        """Return the revisions that waiting clients have, by video."""
        with self._lock:
            known = {
                video_id: {wait.revision for wait in waits if wait.wake is not None and wait.revision is not None}
                for video_id, waits in self._of_video.items()
            }
        return {video_id: revisions for video_id, revisions in known.items() if revisions}

    def close(self) -> None:
        """Let no further request wait; those that do are ended by the server."""
        self._is_closed = True

    def _refusal(self, owner: str) -> Refusal | None:
        if self._is_closed:
            return Refusal.STOPPING
        if self._count >= self._at_most:
            return Refusal.FULL
        return Refusal.OWNER if self._of_owner[owner] >= self._per_owner else None
