"""Sends callbacks to the customer's webhook, with the faults of sending.

As at Coconut nothing is signed or retried, redirects are not followed, and the response is ignored. Callbacks that are
waiting when the process ends are lost.
"""

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests

from devstack.coconut.delayed import DelayedQueue
from devstack.coconut.faults import Faults, shuffled
from devstack.coconut.fields import Json
from devstack.coconut.job import Event, JobRecord, new_job_id
from devstack.coconut.request import NotificationTarget

TIMEOUT_SECONDS = 10
SENDERS = 4
_FINAL_EVENTS = frozenset({"job.completed", "job.failed"})
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Callback:
    url: str = field(repr=False)
    job_id: str
    payload: Json

    def forged(self) -> "Callback":
        """Return what an attacker could send who knows the URL but no valid signature."""
        job_id = new_job_id()
        data = {"type": "job", "id": job_id, "status": "job.completed", "progress": "100%", "outputs": []}
        payload: Json = {"job_id": job_id, "event": "job.completed", "metadata": False, "data": data}
        return Callback(url=_with_broken_signature(self.url), job_id=self.job_id, payload=payload)


def post(callback: Callback) -> None:
    """Send a callback once."""
    requests.post(
        callback.url,
        data=json.dumps(callback.payload),
        headers={"Content-Type": "application/json", "User-Agent": "Coconut/v2"},
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )


class Callbacks:
    """Sends the callbacks of one job in order, unless a fault says otherwise."""

    def __init__(self, faults: Faults, *, send: Callable[[Callback], None] = post, senders: int = SENDERS) -> None:
        self._faults = faults
        self._send = send
        self._lock = threading.Lock()
        self._held: defaultdict[str, list[Callback]] = defaultdict(list)
        # One thread for each queue, and a job always in the same queue: that keeps its order.
        self._queues = [DelayedQueue[Callback]() for _ in range(senders)]

    def start(self) -> None:
        for queue in self._queues:
            threading.Thread(target=self._work, args=(queue,), daemon=True).start()

    def stop(self) -> None:
        for queue in self._queues:
            queue.close()

    def notify(self, job: JobRecord, event: Event, notification: NotificationTarget, *, key: str = "") -> None:
        """Send one event, if the customer wants it. With ``reorder`` a job's events wait for its end."""
        is_final = event in _FINAL_EVENTS
        if not is_final and not notification.wants_events:
            return
        callback = Callback(notification.url, job.id, job.callback(event, key=key))
        with self._lock:
            if not is_final and self._faults.strikes("reorder"):
                self._held[job.id].append(callback)
                return
            together = [*self._held.pop(job.id, []), callback] if is_final else [callback]
        for position in shuffled(len(together)):
            self._dispatch(together[position])

    def _dispatch(self, callback: Callback) -> None:
        if self._faults.strikes("forge"):
            self._put(callback.forged())
        if self._faults.strikes("drop"):
            return
        self._put(callback)
        if self._faults.strikes("duplicate"):
            self._put(callback)

    def _put(self, callback: Callback) -> None:
        queue = self._queues[hash(callback.job_id) % len(self._queues)]
        queue.put(callback, delay_seconds=self._faults.seconds("delay_seconds"))

    def _work(self, queue: DelayedQueue[Callback]) -> None:
        while (callback := queue.get()) is not None:
            try:
                self._send(callback)
            except requests.RequestException as error:
                # The URL carries the customer's signature, so only the kind of error is logged.
                _log.info("callback of job %s: %s", callback.job_id, type(error).__name__)


def _with_broken_signature(url: str) -> str:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    signature = query.get("sig", "")
    query["sig"] = ("1" if signature.startswith("0") else "0") + signature[1:]
    return urlunsplit(parts._replace(query=urlencode(query)))
