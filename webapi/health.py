"""Probes and metrics. They are public and cheap, and reveal nothing about the installation."""

import threading
from collections.abc import Callable

import falcon
import orjson

from database.pool import Database
from domain.errors import UnavailableError
from webapi.metrics import ApiMetrics

# Probes of several load balancers share one query to Postgres.
_CACHED_SECONDS = 1.0


class Readiness:
    """Knows whether the next request can be answered."""

    def __init__(self, database: Database, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._checked_at = -_CACHED_SECONDS
        self._is_reachable = False
        self._is_draining = False

    def drain(self) -> None:
        """Report from now on that the process is draining. Safe in a signal handler."""
        self._is_draining = True

    def obstacle(self) -> str | None:
        """Return why the next request cannot be answered, None if it can be."""
        if self._is_draining:
            return "draining"
        with self._lock:
            if self._monotonic() - self._checked_at >= _CACHED_SECONDS:
                self._is_reachable = self._check()
                self._checked_at = self._monotonic()
            return None if self._is_reachable else "waiting for Postgres"

    def _check(self) -> bool:
        try:
            self._database.check()
        except UnavailableError:
            return False
        return True


class Livez:
    """`/livez`: the process responds. Checks nothing else, or a restart of Postgres would restart every replica."""

    is_public = True

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond."""
        resp.data = orjson.dumps({"status": "alive"})


class Readyz:
    """`/readyz`: whether requests can be answered."""

    is_public = True

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond with 200, or with 503 and the obstacle."""
        obstacle = self._readiness.obstacle()
        resp.status = falcon.HTTP_503 if obstacle else falcon.HTTP_200
        resp.data = orjson.dumps({"status": obstacle or "ready"})
        resp.set_header("Cache-Control", "no-store")


class MetricsPage:
    """`/metrics`."""

    is_public = True

    def __init__(self, metrics: ApiMetrics) -> None:
        self._metrics = metrics

    def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
        """Respond in Prometheus' text format."""
        resp.data = self._metrics.text()
        resp.content_type = "text/plain; version=1.0.0; charset=utf-8"
