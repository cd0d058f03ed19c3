"""Leader election by a coordination.k8s.io Lease, which a dedicated thread acquires, renews and releases.

`Election` is one candidate's view, without clock or thread; `Leadership` drives it. A candidate trusts only how long it
has itself observed a record unchanged, never another machine's clock. docs/decisions/0004-own-leader-election.md says
why this is not the library's own.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from typing import Any, Protocol

import structlog

from crds.client import Cluster, NotFoundError
from domain.errors import ConflictError, UpstreamError
from runtime import heartbeats
from runtime.clock import elapsed
from runtime.heartbeats import Heartbeats

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LeaseTiming:
    """The three durations of the Lease.

    ``duration``: after this long without a renewal, others may take over. ``renew_deadline``: after this long, the
    leader steps down, so that two never lead at once. ``retry``: the pause between two tries.
    """

    duration_seconds: float = 15
    renew_deadline_seconds: float = 10
    retry_seconds: float = 2

    def __post_init__(self) -> None:
        if not 0 < self.retry_seconds < self.renew_deadline_seconds < self.duration_seconds:
            raise ValueError("a lease needs retry < renew deadline < duration")

    @property
    def request_timeout_seconds(self) -> float:
        """Return the timeout of one call. A try makes two, and one begun just before the renew deadline must end
        before others may take over.
        """
        return (self.duration_seconds - self.renew_deadline_seconds) / 2


class LeaseStore(Protocol):
    """Stores one Lease, as the API server holds it."""

    def read(self) -> dict[str, Any] | None:
        """Return the Lease, None if there is none."""

    def create(self, spec: dict[str, Any]) -> None:
        """Create the Lease; ConflictError if there is one already."""

    def replace(self, lease: dict[str, Any]) -> None:
        """Replace the Lease that was read; ConflictError if it changed since."""


class ClusterLease:
    """One Lease in the cluster."""

    def __init__(self, cluster: Cluster, *, name: str, timeout_seconds: float) -> None:
        self._cluster = cluster
        self._name = name
        self._timeout_seconds = timeout_seconds
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"

    def read(self) -> dict[str, Any] | None:
        """Return the Lease, None if there is none."""
        try:
            return self._cluster.request("GET", f"{self._path}/{self._name}", timeout_seconds=self._timeout_seconds)
        except NotFoundError:
            return None

    def create(self, spec: dict[str, Any]) -> None:
        """Create the Lease; ConflictError if there is one already."""
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._cluster.namespace},
            "spec": spec,
        }
        self._cluster.request("POST", self._path, body=body, timeout_seconds=self._timeout_seconds)

    def replace(self, lease: dict[str, Any]) -> None:
        """Replace the Lease that was read; ConflictError if it changed since."""
        path = f"{self._path}/{self._name}"
        self._cluster.request("PUT", path, body=lease, timeout_seconds=self._timeout_seconds)


class Holder(Enum):
    """Who holds the Lease after one try. UNKNOWN: no answer, or another candidate was faster."""

    SELF = "self"
    OTHER = "other"
    UNKNOWN = "unknown"


class Election:
    """One candidate's view of the Lease. ``now``: of a clock that is never set."""

    def __init__(self, store: LeaseStore, *, identity: str, timing: LeaseTiming) -> None:
        self._store = store
        self._identity = identity
        self._timing = timing
        self._version: str | None = None
        self._version_since = 0.0
        self._last_error = ""

    def acquire_or_renew(self, now: float) -> Holder:
        """Try once to acquire the Lease, or to renew it."""
        try:
            lease = self._store.read()
            if lease is None:
                self._store.create(self._renewed({}))
                return Holder.SELF
            spec = lease.get("spec") or {}
            if spec.get("holderIdentity") != self._identity and not self._is_free(lease, now):
                return Holder.OTHER
            self._store.replace({**lease, "spec": self._renewed(spec)})
        except ConflictError:
            return Holder.UNKNOWN
        except UpstreamError as error:
            self._log_error(str(error))
            return Holder.UNKNOWN
        self._last_error = ""
        return Holder.SELF

    def release(self) -> None:
        """Leave the Lease without a holder, so that a standby need not wait for it to expire."""
        try:
            lease = self._store.read()
            if lease is None or lease["spec"].get("holderIdentity") != self._identity:
                return
            spec = {key: value for key, value in lease["spec"].items() if key != "holderIdentity"}
            self._store.replace({**lease, "spec": spec})
        except UpstreamError as error:
            log.warning("lease_not_released", error=str(error))

    def _log_error(self, error: str) -> None:
        # A try is made every two seconds: log each error once, not at each try.
        if error != self._last_error:
            self._last_error = error
            log.warning("lease_unreachable", error=error)

    def _is_free(self, lease: dict[str, Any], now: float) -> bool:
        spec = lease.get("spec") or {}
        if not spec.get("holderIdentity"):
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._version:
            self._version, self._version_since = version, now
        return now - self._version_since >= float(spec.get("leaseDurationSeconds", self._timing.duration_seconds))

    def _renewed(self, spec: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        is_new = spec.get("holderIdentity") != self._identity
        return {
            **spec,
            "holderIdentity": self._identity,
            "leaseDurationSeconds": math.ceil(self._timing.duration_seconds),
            "acquireTime": moment if is_new else spec.get("acquireTime", moment),
            "renewTime": moment,
            "leaseTransitions": spec.get("leaseTransitions", 0) + (1 if is_new and spec else 0),
        }


class Leadership:
    """Runs for leader in its own thread, and leads until it is stopped or can no longer be sure of the Lease."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        name: str,
        identity: str,
        timing: LeaseTiming,
        beats: Heartbeats | None = None,
        clock: Callable[[], float] = elapsed,
    ) -> None:
        """``clock``: counts the time of a suspend too, in which others may take over."""
        store = ClusterLease(cluster, name=name, timeout_seconds=timing.request_timeout_seconds)
        self._election = Election(store, identity=identity, timing=timing)
        self._timing = timing
        self._beats = beats or Heartbeats()
        self._clock = clock
        self._renewed_at = -math.inf
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_held(self) -> bool:
        """Return whether no other process can lead at this moment.

        Reads only the clock, so it is right in every thread, even just after a frozen process or machine was resumed.
        """
        return self._clock() < self._renewed_at + self._timing.renew_deadline_seconds

    def start(self, *, on_lost: Callable[[], None]) -> None:
        """Start running for leader. The thread calls ``on_lost`` once, unless `stop` came first."""
        self._thread = self._beats.thread("lease", partial(self._run, on_lost), daemon=True)
        self._thread.start()

    def wait_until_held(self, *, timeout_seconds: float | None = None) -> bool:
        """Wait until this candidate leads, at most until the timeout or `stop`; return whether it leads."""
        self._settled.wait(timeout_seconds)
        return self.is_held

    def stop(self) -> None:
        """Stop, release the Lease, and return when that is done."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, on_lost: Callable[[], None]) -> None:
        try:
            if self._acquire():
                log.info("lease_acquired")
                self._settled.set()
                self._renew()
        finally:
            # Also after an unexpected exception: a leader whose thread died must stop.
            was_held, self._renewed_at = self.is_held, -math.inf
            self._settled.set()
            if not self._stopping.is_set():
                on_lost()
            elif was_held:
                self._election.release()

    def _acquire(self) -> bool:
        """Wait until this process holds the Lease; return False if stopped before."""
        while not self._stopping.is_set():
            if self._try() is Holder.SELF:
                return True
            heartbeats.wait(self._stopping, self._timing.retry_seconds)
        return False

    def _renew(self) -> None:
        """Renew until stopped, until another process takes over, or until the last renewal is too old."""
        while not heartbeats.wait(self._stopping, self._timing.retry_seconds):
            # After a freeze the deadline is over, and another process may have led meanwhile: do not renew.
            if not self.is_held or self._try() is Holder.OTHER or not self.is_held:
                return

    def _try(self) -> Holder:
        # The time before the call, because the server's may be any moment since.
        began = self._clock()
        holder = self._election.acquire_or_renew(began)
        if holder is Holder.SELF:
            self._renewed_at = began
        return holder
