"""Probes and metrics. They are public and cheap, and reveal nothing about the installation.

Probes are answered from memory: gunicorn's poller answers them itself (webapi/server/connections.py), and the resources
below answer only those that it leaves to the application.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

import falcon
import orjson

from database.pool import Database
from domain.errors import UnavailableError
from runtime import heartbeats
from runtime.heartbeats import Heartbeats
from webapi.metrics import ApiMetrics

_CHECK_SECONDS = 1.0
# A check that hangs ends much later than one that fails, so an old answer counts as none.
_STALE_SECONDS = 4.0


@dataclass(frozen=True)
class ProbeResponse:
    """The response to a probe."""

    status: str
    body: bytes


class Readiness:
    """Knows whether the next request can be answered. A thread asks Postgres; reading the result never waits."""

    def __init__(self, database: Database, monotonic: Callable[[], float], beats: Heartbeats) -> None:
        self._beats = beats
        self._database = database
        self._monotonic = monotonic
        self._stopped = threading.Event()
        # Of the last check that Postgres answered.
        self._reached_at = -math.inf
        self._is_draining = False

    def start(self) -> None:
        """Check again and again, in a thread, until `stop`."""
        self._beats.thread("readiness", self._run, daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def drain(self) -> None:
        """Report from now on that the process is draining. Safe in a signal handler."""
        self._is_draining = True

    def check(self) -> None:
        """Ask Postgres once."""
        began_at = self._monotonic()
        try:
            self._database.check()
        except UnavailableError:
            self._reached_at = -math.inf
        else:
            self._reached_at = began_at

    def health(self) -> ProbeResponse:
        """Return whether the next request can be answered, and how many seconds ago Postgres did answer."""
        age = self._monotonic() - self._reached_at
        if self._is_draining:
            return ProbeResponse(falcon.HTTP_503, orjson.dumps({"status": "draining"}))
        if age > _STALE_SECONDS:
            return ProbeResponse(falcon.HTTP_503, orjson.dumps({"status": "waiting for Postgres"}))
        return ProbeResponse(falcon.HTTP_200, orjson.dumps({"status": "ready", "checked_seconds_ago": round(age, 1)}))

    def _run(self) -> None:
        while not self._stopped.is_set():
            self.check()
            heartbeats.wait(self._stopped, _CHECK_SECONDS)


class Liveness:
    """Knows whether a restart would help: a thread of this process is stuck.

    No upstream is asked, or a restart of Postgres would restart every replica.
    """

    def __init__(self, beats: Heartbeats) -> None:
        self._beats = beats

    @property
    def is_alive(self) -> bool:
        """True if no part has stopped beating."""
        return not self._beats.late()

    def health(self) -> ProbeResponse:
        """Return that the process is alive, or the parts that have stopped beating."""
        late = [str(part) for part in self._beats.late()]
        if late:
            return ProbeResponse(falcon.HTTP_503, orjson.dumps({"status": "stuck", "parts": late}))
        return ProbeResponse(falcon.HTTP_200, orjson.dumps({"status": "alive"}))


class Livez:
    """`/livez`: whether the process responds and each of its threads does."""

    is_public = True

    def __init__(self, liveness: Liveness) -> None:
        self._liveness = liveness

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with 200, or with 503 and the parts that are stuck."""
        _respond(resp, self._liveness.health())


class Readyz:
    """`/readyz`: whether requests can be answered."""

    is_public = True

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with 200, or with 503 and the obstacle."""
        _respond(resp, self._readiness.health())


class MetricsPage:
    """`/metrics`."""

    is_public = True

    def __init__(self, metrics: ApiMetrics) -> None:
        self._metrics = metrics

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond in Prometheus' text format."""
        resp.data = self._metrics.text()
        resp.content_type = "text/plain; version=1.0.0; charset=utf-8"


def _respond(resp: falcon.Response, health: ProbeResponse) -> None:
    resp.status = health.status
    resp.data = health.body
    resp.set_header("Cache-Control", "no-store")
