"""The operator's process on an API server whose watches fail or hang: it lists again, or exits cleanly.

Uploads on a refusing and slow API server are in e2e/uploads/test_api_server.py.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devstack.cluster import ClusterAdmin
from domain.video import RECONCILE_REQUESTED_ANNOTATION
from tests.integration.operator_process import OperatorProcess, environment_of, running
from tests.support.eventually import eventually
from tests.support.proxies.proxy import DropResponse, Fault, ProxiedRequest, Proxy, Respond, Rule, proxy_before_cluster

# A resync each 6 s instead of each 300; kopf itself gives a silent stream up after 70 s, whatever the scale.
TIME_SCALE = "0.02"


@dataclass(frozen=True)
class WatchedOperator:
    """A namespace, the operator that watches it, and the proxy in between."""

    own: ClusterAdmin
    proxy: Proxy
    operator: OperatorProcess

    def apply(self, name: str, **annotations: str) -> None:
        """Apply an import; its file is not there."""
        source = {"storageKey": f"imports/{self.own.namespace}/{name}.mov"}
        body = {"apiVersion": "video.uploads.dev/v1alpha1", "kind": "VideoUpload", "spec": {"source": source}}
        metadata = {"name": name, "annotations": annotations}
        self.own.kubectl("apply", "--filename=-", stdin=json.dumps(body | {"metadata": metadata}))

    def status(self, name: str) -> dict[str, Any]:
        """Return the status that the operator has written."""
        status: dict[str, Any] = json.loads(self.own.kubectl("get", "vu", name, "--output=json")).get("status", {})
        return status if status.get("observedGeneration", -1) >= 0 else {}

    def watches(self) -> list[ProxiedRequest]:
        """Return every watch request."""
        return [request for request in self.proxy.requests if is_watch(request)]

    def lists(self) -> list[ProxiedRequest]:
        """Return every beginning of a list."""
        return [
            request
            for request in self.proxy.requests_to("GET", "/videouploads?limit=")
            if "continue=" not in request.target
        ]


@pytest.fixture
def rule() -> Rule:
    """What the proxy does from the first request on; tests that want more parametrize it."""
    return lambda _: None


@pytest.fixture
def watched(
    api_server: ClusterAdmin, kube_namespace: str, database_url: str, tmp_path: Path, rule: Rule
) -> Iterator[WatchedOperator]:
    own = ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)
    with proxy_before_cluster(api_server.admin_kubeconfig, tmp_path) as (proxy, kubeconfig):
        proxy.rule = rule
        environment = environment_of(kubeconfig, kube_namespace, DATABASE_URL=database_url, TIME_SCALE=TIME_SCALE)
        with running(environment, tmp_path) as operator:
            yield WatchedOperator(own, proxy, operator)


def is_watch(request: ProxiedRequest) -> bool:
    return "/videouploads?" in request.target and "watch=true" in request.target


def once(fault: Fault) -> Rule:
    """Do this to the first watch, and nothing to all others."""
    done = threading.Event()

    def rule(request: ProxiedRequest) -> Fault | None:
        if not is_watch(request) or done.is_set():
            return None
        done.set()
        return fault

    return rule


def ending_with(code: int) -> Respond:
    """Return a watch that ends in an error of the API server's."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "too old or worse"}
    return Respond(200, json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")


@pytest.mark.parametrize("rule", [once(ending_with(410))])
def test_a_watch_whose_version_is_too_old_restarts_with_a_list(watched: WatchedOperator) -> None:
    eventually(lambda: len(watched.watches()) >= 2)
    first, second = watched.watches()[:2]
    assert any(first.at < listed.at < second.at for listed in watched.lists())
    watched.apply("launch")
    eventually(lambda: watched.status("launch"))


@pytest.mark.parametrize("rule", [once(ending_with(500))])
def test_a_watch_error_ends_the_process_with_one_line_and_releases_the_lease(
    watched: WatchedOperator,
) -> None:
    assert watched.operator.exit_code() == 1, watched.operator.log()
    lines = [json.loads(line) for line in watched.operator.log().splitlines()]
    (failed,) = [line for line in lines if line["event"] == "process_failed"]
    assert failed["level"] == "error"
    assert "'code': 500" in failed["exception"]
    lease = json.loads(watched.own.kubectl("get", "lease", "video-uploads-operator", "--output=json"))
    assert not lease["spec"].get("holderIdentity")


def test_a_watch_that_falls_silent_costs_one_resync(watched: WatchedOperator) -> None:
    silence = threading.Event()
    watched.proxy.rule = lambda request: DropResponse(silence) if is_watch(request) else None
    watched.apply("before")
    eventually(lambda: watched.status("before"))
    count = eventually(lambda: len(watched.watches()))
    silence.set()
    watched.apply("before", **{RECONCILE_REQUESTED_ANNOTATION: "now"})
    watched.apply("after")
    eventually(lambda: watched.status("before").get("lastHandledReconcileAt") == "now")
    eventually(lambda: watched.status("after"))
    # Not because it had been noticed, nor because another watch brought it.
    assert len(watched.watches()) == count


def test_a_stopped_leader_ends_without_waiting_for_itself(watched: WatchedOperator) -> None:
    """kopf waits five seconds for tasks that do not end, of which its thread for our stop flag was one."""
    eventually(watched.watches)
    watched.operator.terminate()
    assert watched.operator.exit_code() == 0, watched.operator.log()
    lines = [json.loads(line) for line in watched.operator.log().splitlines()]
    at = {line["event"]: datetime.fromisoformat(line["timestamp"]) for line in lines}
    assert at["stopping"] - at["Signal SIGTERM is received. Operator is stopping."] < timedelta(seconds=4)
