"""Every bound of the CRD on a real API server: the last value that it accepts and the first that it refuses."""

from typing import Any

import pytest

from crds.client import Cluster, UploadsClient
from crds.kind import KIND
from crds.spec import API_VERSION
from devstack.cluster import ClusterAdmin
from domain.errors import RefusedError
from tests.integration.kube_bounds import Bound, a_full_body, all_bounds, with_value
from tests.support.builders.resources import SIGNATURES
from tests.support.builders.rows import VIDEO_ID, a_desired_state


class Trial:
    """Asks the API server whether it would take a body, without storing it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._path = f"/apis/{API_VERSION}/namespaces/{cluster.namespace}/videouploads"
        desired = a_desired_state(video_id="stored", storage_key="imports/a/b")
        UploadsClient(cluster, SIGNATURES).apply(desired)
        self._stored = UploadsClient(cluster, SIGNATURES).get("stored")

    def spec(self, spec: Any) -> None:
        """Try to create a resource with this spec."""
        self._ask("POST", self._path, {"name": VIDEO_ID}, spec=spec)

    def status(self, status: Any) -> None:
        """Try to give a resource its first status."""
        assert self._stored is not None
        metadata = {"name": self._stored.name, "resourceVersion": self._stored.resource_version}
        self._ask("PUT", f"{self._path}/{self._stored.name}/status", metadata, status=status)

    def _ask(self, method: str, path: str, metadata: dict[str, str], **part: Any) -> None:
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, **part}
        self._cluster.request(method, path, query={"dryRun": "All", "fieldValidation": "Strict"}, body=body)


@pytest.fixture(scope="module")
def trial(api_server: ClusterAdmin) -> Trial:
    return Trial(Cluster.from_environment(namespace=api_server.namespace, kubeconfig=api_server.admin_kubeconfig))


@pytest.mark.parametrize("bound", list(all_bounds()), ids=str)
def test_a_bound_accepts_its_limit_and_refuses_the_next_value(trial: Trial, bound: Bound) -> None:
    body = a_full_body()
    part = bound.field.partition(".")[0]
    attempt = getattr(trial, part)
    attempt(with_value(body, bound.path, bound.good)[part])
    with pytest.raises(RefusedError) as refused:
        attempt(with_value(body, bound.path, bound.bad)[part])
    assert bound.field in str(refused.value)


@pytest.mark.parametrize("path", [".spec.colour", ".spec.source.colour", ".status.colour", ".status.work.colour"])
def test_an_unknown_field_is_refused_by_name(trial: Trial, path: str) -> None:
    part = path.split(".")[1]
    with pytest.raises(RefusedError, match=r'unknown field "[a-z.]+colour"'):
        getattr(trial, part)(with_value(a_full_body(), path, "red")[part])


@pytest.mark.parametrize("field", ["revision", "reason", "message", "isPlayable", "work", "conditions"])
def test_a_written_status_is_complete(trial: Trial, field: str) -> None:
    status = a_full_body()["status"]
    with pytest.raises(RefusedError, match="a written status is complete"):
        trial.status({key: value for key, value in status.items() if key != field})
