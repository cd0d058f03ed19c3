"""The operator's process before its first pass."""

import json
from pathlib import Path

from devstack.cluster import ClusterAdmin
from tests.integration.operator_process import environment_of, running
from tests.support.eventually import eventually


def test_no_pass_is_made_before_every_resource_was_read_and_a_stop_still_works(
    api_server: ClusterAdmin, kube_namespace: str, tmp_path: Path
) -> None:
    own = ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)
    source = {"storageKey": f"imports/{kube_namespace}/launch.mov"}
    body = {"apiVersion": "video.uploads.dev/v1alpha1", "kind": "VideoUpload", "metadata": {"name": "launch"}}
    own.kubectl("apply", "--filename=-", stdin=json.dumps(body | {"spec": {"source": source}}))

    # Without Postgres the rows of the resources cannot be read.
    with running(environment_of(api_server.admin_kubeconfig, kube_namespace), tmp_path) as operator:
        eventually(lambda: operator.log().count('"task": "first_list"') >= 2, within_seconds=60)
        operator.terminate()
        assert operator.exit_code() == 0, operator.log()
        assert "pass_requeued" not in operator.log()


def test_the_operator_holds_the_configured_lease_and_releases_it(
    api_server: ClusterAdmin, kube_namespace: str, tmp_path: Path
) -> None:
    own = ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)

    def holders() -> dict[str, str]:
        leases = json.loads(own.kubectl("get", "leases", "--output=json"))["items"]
        return {lease["metadata"]["name"]: lease["spec"].get("holderIdentity", "") for lease in leases}

    environment = environment_of(
        api_server.admin_kubeconfig, kube_namespace, LEASE_NAME="films-operator", POD_NAME="pod-1"
    )
    with running(environment, tmp_path) as operator:
        eventually(lambda: holders() == {"films-operator": "pod-1"})
        operator.terminate()
        assert operator.exit_code() == 0, operator.log()
    assert holders() == {"films-operator": ""}
