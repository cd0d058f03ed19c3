"""One leader at a time: a coordination.k8s.io Lease, taken, renewed and given back from a thread of its own.

`Election` is one candidate's view and has no clock and no thread; `Leadership` drives it. A candidate trusts
only how long it has itself seen a record unchanged, never the wall clock of another machine. Why this is not
the library's own: docs/decisions/0004-own-leader-election.md. What the leader does is in controller/.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

import structlog

from crds.client import Cluster, NotFoundError
from domain.errors import ConflictError, UpstreamError

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LeaseTiming:
    """``duration``: after this long without a renewal others may take over. ``renew_deadline``: before that the
    leader gives up by itself, so that two never lead at once. ``retry``: between two looks.
    """

    duration_seconds: float = 15
    renew_deadline_seconds: float = 10
    retry_seconds: float = 2

    def __post_init__(self) -> None:
        if not 0 < self.retry_seconds < self.renew_deadline_seconds < self.duration_seconds:
            raise ValueError("a lease needs retry < renew deadline < duration")

    @property
    def request_timeout_seconds(self) -> float:
        """Return the timeout of one call: a look, two calls, begun just before the renew deadline ends before
        others may take over.
        """
        return (self.duration_seconds - self.renew_deadline_seconds) / 2


class LeaseStore(Protocol):
    """Where the record lies: the spec and metadata of a Lease, as the API server holds it."""

    def read(self) -> dict[str, Any] | None:
        """Return the Lease, or None where there is none."""

    def create(self, spec: dict[str, Any]) -> None:
        """Create the Lease; ConflictError if there is one already."""

    def replace(self, lease: dict[str, Any]) -> None:
        """Replace the Lease that was read; ConflictError if it changed since."""


class ClusterLease:
    """A Lease of the cluster."""

    def __init__(self, cluster: Cluster, *, name: str, timeout_seconds: float) -> None:
        self._cluster = cluster
        self._name = name
        self._timeout_seconds = timeout_seconds
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"

    def read(self) -> dict[str, Any] | None:
        """Return the Lease, or None where there is none."""
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


class Turn(Enum):
    """How one look at the Lease ended."""

    OURS = "ours"
    THEIRS = "theirs"
    UNKNOWN = "unknown"


class Election:
    """One candidate's view of the Lease. ``now`` is always the monotonic clock."""

    def __init__(self, store: LeaseStore, *, identity: str, timing: LeaseTiming) -> None:
        self._store = store
        self._identity = identity
        self._timing = timing
        self._seen_version: str | None = None
        self._seen_at = 0.0
        self._trouble = ""

    def take_turn(self, now: float) -> Turn:
        """Take the Lease, or renew it. UNKNOWN: no answer, or somebody was quicker."""
        try:
            lease = self._store.read()
            if lease is None:
                self._store.create(self._renewed({}))
                return Turn.OURS
            spec = lease.get("spec") or {}
            if spec.get("holderIdentity") != self._identity and not self._is_free(lease, now):
                return Turn.THEIRS
            self._store.replace({**lease, "spec": self._renewed(spec)})
        except ConflictError:
            return Turn.UNKNOWN
        except UpstreamError as error:
            self._report(str(error))
            return Turn.UNKNOWN
        self._trouble = ""
        return Turn.OURS

    def give_back(self) -> None:
        """Leave the Lease without a holder, so that a standby need not wait for it to run out."""
        try:
            lease = self._store.read()
            if lease is None or lease["spec"].get("holderIdentity") != self._identity:
                return
            spec = {key: value for key, value in lease["spec"].items() if key != "holderIdentity"}
            self._store.replace({**lease, "spec": spec})
        except UpstreamError as error:
            log.warning("lease_not_given_back", error=str(error))

    def _report(self, trouble: str) -> None:
        # Looks come every two seconds: one line per kind of trouble, not one per look.
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("lease_unreachable", error=trouble)

    def _is_free(self, lease: dict[str, Any], now: float) -> bool:
        spec = lease.get("spec") or {}
        if not spec.get("holderIdentity"):
            return True
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen_version:
            self._seen_version, self._seen_at = version, now
        return now - self._seen_at >= float(spec.get("leaseDurationSeconds", self._timing.duration_seconds))

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
    """Runs for leader from its own thread, and stays leader until stopped or until it cannot be sure any more."""

    def __init__(self, cluster: Cluster, *, name: str, identity: str, timing: LeaseTiming) -> None:
        store = ClusterLease(cluster, name=name, timeout_seconds=timing.request_timeout_seconds)
        self._election = Election(store, identity=identity, timing=timing)
        self._timing = timing
        self._renewed_at = -math.inf
        self._settled = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_held(self) -> bool:
        """Tell whether nobody else can be leader at this moment.

        Asks only the clock, so it is right in every thread even just after a frozen process thawed.
        """
        return time.monotonic() < self._renewed_at + self._timing.renew_deadline_seconds

    def start(self, *, on_lost: Callable[[], None]) -> None:
        """Begin to run for leader. ``on_lost`` is called once, from the thread, unless `stop` came first."""
        self._thread = threading.Thread(target=self._run, args=(on_lost,), name="lease", daemon=True)
        self._thread.start()

    def wait_until_held(self, *, timeout_seconds: float | None = None) -> bool:
        """Block until this candidate leads, or the timeout or `stop` ended the waiting."""
        self._settled.wait(timeout_seconds)
        return self.is_held

    def stop(self) -> None:
        """Stop running, give the Lease back, and return when that is done."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, on_lost: Callable[[], None]) -> None:
        try:
            if self._take():
                log.info("lease_taken")
                self._settled.set()
                self._keep()
        finally:
            # Also after a surprise: a leader whose thread died must not go on.
            was_held, self._renewed_at = self.is_held, -math.inf
            self._settled.set()
            if not self._stopping.is_set():
                on_lost()
            elif was_held:
                self._election.give_back()

    def _take(self) -> bool:
        """Wait until the Lease is ours; False when stopped before."""
        while not self._stopping.is_set():
            if self._take_turn() is Turn.OURS:
                return True
            self._stopping.wait(self._timing.retry_seconds)
        return False

    def _keep(self) -> None:
        """Renew until stopped, taken over, or without a renewal for too long."""
        while not self._stopping.wait(self._timing.retry_seconds):
            # A thawed process finds its deadline gone by and must not renew: somebody else may have led meanwhile.
            if not self.is_held or self._take_turn() is Turn.THEIRS or not self.is_held:
                return

    def _take_turn(self) -> Turn:
        # From before the call: the server may have counted from any moment since.
        began = time.monotonic()
        turn = self._election.take_turn(began)
        if turn is Turn.OURS:
            self._renewed_at = began
        return turn
