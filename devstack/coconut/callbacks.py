"""Telling the customer's webhook what happened, and every way in which that can go wrong.

As at Coconut: nothing is signed, nothing is retried, redirects are not followed, and an answer that is
not 2xx is only counted. Callbacks under way when the process ends are lost.
"""

import json
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests

from devstack.coconut.delayed import DelayedQueue
from devstack.coconut.faults import Faults
from devstack.coconut.fields import Json
from devstack.coconut.job import Event, Job, new_job_id
from devstack.coconut.request import Notification

TIMEOUT_SECONDS = 10
SENDERS = 4
_MAX_WAITING = 10_000
_MAX_HELD_JOBS = 1_000
_FINAL_EVENTS = frozenset({"job.completed", "job.failed"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Callback:
    url: str = field(repr=False)
    job_id: str
    payload: Json
    about: tuple[object, ...] = ()  # tells it from all others when a fault is drawn

    def forged(self) -> "Callback":
        """Return what somebody might send who found the URL but has no valid signature."""
        stranger = new_job_id()
        data = {"type": "job", "id": stranger, "status": "job.completed", "progress": "100%", "outputs": []}
        payload: Json = {"job_id": stranger, "event": "job.completed", "metadata": False, "data": data}
        return Callback(url=_with_broken_signature(self.url), job_id=self.job_id, payload=payload)


Send = Callable[[Callback], int]


def post(callback: Callback) -> int:
    """Deliver once; return the HTTP status."""
    answer = requests.post(
        callback.url,
        data=json.dumps(callback.payload),
        headers={"Content-Type": "application/json", "User-Agent": "Coconut/v2"},
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )
    return answer.status_code


class Callbacks:
    """Callbacks of one job leave in order, unless a fault says otherwise."""

    def __init__(self, faults: Faults, *, send: Send = post, senders: int = SENDERS) -> None:
        self._faults = faults
        self._send = send
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter(
            dict.fromkeys(("delivered", "refused", "unreachable", "dropped", "forged"), 0)
        )
        self._held: OrderedDict[str, list[Callback]] = OrderedDict()
        # One thread for each queue, and a job always in the same queue: that keeps its order.
        self._queues = [DelayedQueue[Callback](at_most=_MAX_WAITING) for _ in range(senders)]
        self._threads = [threading.Thread(target=self._work, args=(queue,), daemon=True) for queue in self._queues]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for queue in self._queues:
            queue.close()

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def tell(self, job: Job, event: Event, notification: Notification, *, key: str = "", number: int = 0) -> None:
        """Tell of one event, if the customer wants to hear of it. ``number`` is that of the job's POST."""
        is_final = event in _FINAL_EVENTS
        if not is_final and not notification.wants_events:
            return
        payload = job.callback(event, key=key, with_metadata=notification.wants_metadata)
        callback = Callback(notification.url, job.id, payload, (number, event, key))
        for due in self._order(callback, is_final=is_final):
            self._dispatch(due)

    def _order(self, callback: Callback, *, is_final: bool) -> list[Callback]:
        """Return what is to be sent now; with ``reorder`` the events of a job wait for its end to be shuffled."""
        if not is_final and self._faults.strikes("reorder", *callback.about):
            with self._lock:
                self._held.setdefault(callback.job_id, []).append(callback)
                forgotten = self._held.popitem(last=False)[1] if len(self._held) > _MAX_HELD_JOBS else []
                self._counts["dropped"] += len(forgotten)
            return []
        if not is_final:
            return [callback]
        with self._lock:
            together = [*self._held.pop(callback.job_id, []), callback]
        order = self._faults.shuffled(len(together), *callback.about)
        return [together[position] for position in order]

    def _dispatch(self, callback: Callback) -> None:
        if self._faults.strikes("forge", *callback.about):
            self._count("forged")
            self._put(callback.forged())
        if self._faults.strikes("drop", *callback.about):
            self._count("dropped")
            return
        self._put(callback)
        if self._faults.strikes("duplicate", *callback.about):
            self._put(callback)

    def _put(self, callback: Callback) -> None:
        queue = self._queues[hash(callback.job_id) % len(self._queues)]
        if not queue.put(callback, delay_seconds=self._faults.seconds("delay_seconds")):
            self._count("dropped")

    def _work(self, queue: DelayedQueue[Callback]) -> None:
        while (callback := queue.get()) is not None:
            try:
                status = self._send(callback)
            except requests.RequestException as error:
                # The URL carries the customer's secret: only the kind of trouble is logged.
                _log.info("callback of job %s: %s", callback.job_id, type(error).__name__)
                self._count("unreachable")
            else:
                self._count("delivered" if 200 <= status < 300 else "refused")

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1


def _with_broken_signature(url: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    signature = query.get("sig", "")
    query["sig"] = ("1" if signature.startswith("0") else "0") + signature[1:]
    return urlunsplit(parts._replace(query=urlencode(query)))
