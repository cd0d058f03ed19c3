"""How long a leader believes that it leads: by a clock that goes on while the machine sleeps."""

import threading
import time
from typing import Any, cast

from controller.leader.election import Leadership, LeaseTiming
from crds.client import Cluster, NotFoundError
from runtime.clock import elapsed
from tests.support.world.clock import ManualClock

PATIENCE_SECONDS = 10


class FakeCluster:
    """An API server with one Lease that only this candidate writes."""

    namespace = "n"

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None

    def request(self, method: str, path: str, *, body: Any = None, **_: object) -> dict[str, Any]:
        if method == "GET" and self.lease is None:
            raise NotFoundError(path)
        if body is not None:
            self.lease = {**body, "metadata": {"resourceVersion": "1"}}
        assert self.lease is not None
        return self.lease


def test_a_leader_whose_machine_slept_for_longer_than_the_deadline_no_longer_leads() -> None:
    clock, lost = ManualClock(), threading.Event()
    timing = LeaseTiming(duration_seconds=15, renew_deadline_seconds=10, retry_seconds=0.01)
    leadership = Leadership(cast("Cluster", FakeCluster()), name="lease", identity="us", timing=timing, clock=clock)
    leadership.start(on_lost=lost.set)
    assert leadership.wait_until_held(timeout_seconds=PATIENCE_SECONDS)
    clock.now += 11
    assert not leadership.is_held
    assert lost.wait(PATIENCE_SECONDS)
    leadership.stop()


def test_the_clock_counts_the_time_of_a_suspend() -> None:
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    assert abs(elapsed() - time.clock_gettime(clock)) < 1
