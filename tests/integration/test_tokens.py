"""The ServiceAccount's token on a real API server: rotated, or revoked under a running operator."""

import datetime
import json
from base64 import b64decode
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from crds.client import Cluster
from devstack.cluster import ClusterAdmin
from domain.errors import RefusedError
from tests.integration.operator_process import environment_of, running
from tests.support.eventually import eventually

ACCOUNT = "rotated"
SHORT_LEASE = {"LEASE_DURATION_SECONDS": "3", "LEASE_RENEW_DEADLINE_SECONDS": "2", "LEASE_RETRY_SECONDS": "0.5"}
IN_CLUSTER = "kubernetes.config.incluster_config"


@pytest.fixture
def own(api_server: ClusterAdmin, kube_namespace: str) -> ClusterAdmin:
    """A namespace with an account that may do everything in it."""
    own = ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)
    own.kubectl("create", "serviceaccount", ACCOUNT)
    account = f"--serviceaccount={kube_namespace}:{ACCOUNT}"
    own.kubectl("create", "rolebinding", ACCOUNT, "--clusterrole=cluster-admin", account)
    return own


def revoke(own: ClusterAdmin) -> None:
    """Make every token of the account worthless; new ones can be had at once."""
    own.kubectl("delete", "serviceaccount", ACCOUNT)
    own.kubectl("create", "serviceaccount", ACCOUNT)


def new_token(own: ClusterAdmin) -> str:
    return own.kubectl("create", "token", ACCOUNT).strip()


def test_in_a_pod_a_rotated_token_is_read_again_within_a_minute(
    own: ClusterAdmin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads(own.admin_kubeconfig.read_text())["clusters"][0]["cluster"]
    server, token, authority = urlsplit(config["server"]), tmp_path / "token", tmp_path / "ca.crt"
    token.write_text(new_token(own))
    authority.write_bytes(b64decode(config["certificate-authority-data"]))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(server.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    monkeypatch.setattr(f"{IN_CLUSTER}.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(f"{IN_CLUSTER}.SERVICE_CERT_FILENAME", str(authority))
    cluster = Cluster.from_environment(namespace=own.namespace)
    path = f"/apis/coordination.k8s.io/v1/namespaces/{own.namespace}/leases"
    cluster.request("GET", path)

    def refused() -> str | None:
        try:
            cluster.request("GET", path)
        except RefusedError as error:
            return str(error)
        return None

    revoke(own)
    # The API server remembers for some seconds who was let in.
    assert "HTTP 401" in eventually(refused)
    token.write_text(new_token(own))
    later = datetime.datetime.now() + datetime.timedelta(minutes=1)  # noqa: DTZ005 - as the library has it
    clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda: later), timedelta=datetime.timedelta)
    monkeypatch.setattr(f"{IN_CLUSTER}.datetime", clock)
    cluster.request("GET", path)


def test_a_revoked_token_ends_the_operator_and_a_new_one_lets_it_resume(
    own: ClusterAdmin, database_url: str, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    own.write_account_kubeconfig(kubeconfig, account=ACCOUNT)
    environment = environment_of(kubeconfig, own.namespace, DATABASE_URL=database_url, **SHORT_LEASE)
    source = {"storageKey": f"imports/{own.namespace}/launch.mov"}
    body = {"apiVersion": "video.uploads.dev/v1alpha1", "kind": "VideoUpload", "metadata": {"name": "launch"}}
    own.kubectl("apply", "--filename=-", stdin=json.dumps(body | {"spec": {"source": source}}))

    def status() -> dict[str, object]:
        shown: dict[str, object] = json.loads(own.kubectl("get", "vu", "launch", "--output=json"))["status"]
        # There is no storage here: the first pass says so, and nothing changes afterwards.
        return shown if shown.get("reason") == "StorageAway" else {}

    with running(environment, tmp_path) as operator:
        before = eventually(status)
        revoke(own)
        # Whichever notices first: the watch, or the Lease that can no longer be renewed.
        assert operator.exit_code() in {1, 3}
        assert "HTTP 401" in operator.log() or "Unauthorized" in operator.log()
    assert status() == before

    own.write_account_kubeconfig(kubeconfig, account=ACCOUNT)
    own.kubectl("annotate", "vu", "launch", "video.uploads.dev/reconcile-requested-at=now")
    with running(environment, tmp_path) as operator:
        eventually(lambda: status().get("lastHandledReconcileAt") == "now")
