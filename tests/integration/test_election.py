"""Leader election on a real API server, with short leases: takeover, a lost Lease, and thawing after a freeze."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.leader.election import Leadership, LeaseTiming
from crds.client import Cluster
from devstack.cluster import ClusterAdmin
from devstack.paths import PROJECT_DIR
from domain.errors import UnavailableError
from tests.support.eventually import eventually

TIMING = LeaseTiming(duration_seconds=3, renew_deadline_seconds=2, retry_seconds=0.25)
NAME = "video-uploads-operator"

# Leads until it learns that it does not, then says so by its exit code.
CANDIDATE = """
import os, sys, threading
from pathlib import Path
from crds.client import Cluster
from controller.leader.election import Leadership, LeaseTiming
from runtime.logs import LogFormat, configure

configure(LogFormat.JSON)
kubeconfig, namespace, name = sys.argv[1:]
cluster = Cluster.from_environment(namespace=namespace, kubeconfig=Path(kubeconfig))
timing = LeaseTiming(duration_seconds=3, renew_deadline_seconds=2, retry_seconds=0.25)
leadership = Leadership(cluster, name=name, identity="child", timing=timing)
leadership.start(on_lost=lambda: os._exit(7))
leadership.wait_until_held()
print("leads", flush=True)
threading.Event().wait()
"""


class Cut(Cluster):
    """A connection that can be cut."""

    is_cut = False

    def request(self, *args: Any, **options: Any) -> dict[str, Any]:
        if self.is_cut:
            raise UnavailableError("cut")
        return super().request(*args, **options)


@pytest.fixture
def own(api_server: ClusterAdmin, kube_namespace: str) -> ClusterAdmin:
    return ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)


@pytest.fixture
def candidate(own: ClusterAdmin) -> Iterator[Callable[[str], tuple[Leadership, Cut, threading.Event]]]:
    """Start candidates; each comes with its connection and an event that its loss sets."""
    started: list[Leadership] = []

    def start(identity: str) -> tuple[Leadership, Cut, threading.Event]:
        cluster = Cut.from_environment(namespace=own.namespace, kubeconfig=own.admin_kubeconfig)
        lost = threading.Event()
        leadership = Leadership(cluster, name=NAME, identity=identity, timing=TIMING)
        leadership.start(on_lost=lost.set)
        started.append(leadership)
        return leadership, cluster, lost

    yield start
    for leadership in started:
        leadership.stop()


Candidates = Callable[[str], tuple[Leadership, Cut, threading.Event]]


def holder(own: ClusterAdmin) -> str:
    return own.kubectl("get", "lease", NAME, "--output=jsonpath={.spec.holderIdentity}")


def test_one_leads_and_a_standby_takes_over_when_it_stops(own: ClusterAdmin, candidate: Candidates) -> None:
    first, _, first_lost = candidate("first")
    assert first.wait_until_held(timeout_seconds=5)
    second, _, _ = candidate("second")
    assert not second.wait_until_held(timeout_seconds=TIMING.duration_seconds + 1)
    first.stop()
    assert second.wait_until_held(timeout_seconds=TIMING.duration_seconds / 2)
    assert (holder(own), first.is_held, first_lost.is_set()) == ("second", False, False)


def test_a_disconnected_leader_stops_before_another_one_leads(candidate: Candidates) -> None:
    first, connection, first_lost = candidate("first")
    assert first.wait_until_held(timeout_seconds=5)
    second, _, _ = candidate("second")
    connection.is_cut = True
    assert second.wait_until_held(timeout_seconds=4 * TIMING.duration_seconds)
    assert not first.is_held
    assert first_lost.is_set()


def test_a_short_disconnection_does_not_cost_the_lease(candidate: Candidates) -> None:
    leader, connection, lost = candidate("first")
    assert leader.wait_until_held(timeout_seconds=5)
    connection.is_cut = True
    assert not lost.wait(TIMING.renew_deadline_seconds / 3)
    connection.is_cut = False
    assert not lost.wait(2 * TIMING.renew_deadline_seconds)
    assert leader.is_held


def test_a_stopped_candidate_stops_waiting(candidate: Candidates) -> None:
    first, _, _ = candidate("first")
    assert first.wait_until_held(timeout_seconds=5)
    second, _, second_lost = candidate("second")
    second.stop()
    assert not second.wait_until_held(timeout_seconds=5)
    assert (first.is_held, second_lost.is_set()) == (True, False)


def test_a_deleted_lease_is_created_again(own: ClusterAdmin, candidate: Candidates) -> None:
    leader, _, lost = candidate("first")
    assert leader.wait_until_held(timeout_seconds=5)
    own.kubectl("delete", "lease", NAME)
    eventually(lambda: NAME in own.kubectl("get", "leases"), within_seconds=5)
    assert (leader.is_held, lost.is_set()) == (True, False)


@pytest.fixture
def frozen(own: ClusterAdmin) -> Iterator[subprocess.Popen[str]]:
    """A leader in a process of its own, frozen."""
    argv = [sys.executable, "-c", CANDIDATE, str(own.admin_kubeconfig), own.namespace, NAME]
    with subprocess.Popen(argv, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert select.select([child.stdout], [], [], 30)[0]
        assert child.stdout.readline() == "leads\n"
        child.send_signal(signal.SIGSTOP)
        yield child
        child.kill()


def test_a_thawed_leader_stops_without_touching_the_lease(
    own: ClusterAdmin, frozen: subprocess.Popen[str], candidate: Candidates
) -> None:
    successor, _, successor_lost = candidate("successor")
    assert successor.wait_until_held(timeout_seconds=4 * TIMING.duration_seconds)
    frozen.send_signal(signal.SIGCONT)
    assert frozen.wait(timeout=5) == 7
    assert (holder(own), successor.is_held, successor_lost.is_set()) == ("successor", True, False)


def test_a_thawed_leader_stops_even_if_the_lease_is_still_free(frozen: subprocess.Popen[str]) -> None:
    threading.Event().wait(TIMING.duration_seconds)
    frozen.send_signal(signal.SIGCONT)
    assert frozen.wait(timeout=5) == 7


def test_the_operators_account_may_hold_its_lease(api_server: ClusterAdmin, operator_kubeconfig: Path) -> None:
    cluster = Cluster.from_environment(namespace=api_server.namespace, kubeconfig=operator_kubeconfig)
    leadership = Leadership(cluster, name=NAME, identity=f"test-{os.getpid()}", timing=TIMING)
    leadership.start(on_lost=lambda: None)
    # An operator that died in this namespace may still hold it until it expires.
    assert leadership.wait_until_held(timeout_seconds=30)
    leadership.stop()
    assert not leadership.is_held
