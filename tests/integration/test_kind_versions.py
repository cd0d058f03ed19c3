"""The operator on a real API server with an older CRD or none: it refuses to start, or waits, and then continues."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crds.client import Cluster
from crds.kind import SCHEMA_VERSION
from crds.schema_version import APPLY, UNKNOWN_VERSION, served_version
from devstack.cluster import CRD, ClusterAdmin
from devstack.paths import PROJECT_DIR
from domain.errors import UnavailableError
from tests.integration.operator_process import environment_of, running
from tests.support.eventually import eventually

MANIFEST = (PROJECT_DIR / "crds" / "videouploads.yaml").read_text()
SAID = f" Schema version {SCHEMA_VERSION}."


@pytest.fixture
def admin(api_server: ClusterAdmin) -> Iterator[ClusterAdmin]:
    """An API server on which a test may replace the kind."""
    yield api_server
    api_server.apply_chart()
    eventually(lambda: serves(api_server, SCHEMA_VERSION))


def serves(admin: ClusterAdmin, version: int | None) -> bool:
    """Return whether the API server serves this version; None stands for no such kind."""
    cluster = Cluster.from_environment(namespace=admin.namespace, kubeconfig=admin.admin_kubeconfig)
    try:
        return served_version(cluster) == version
    except UnavailableError:
        # While it takes a change in, its document is empty.
        return False


def apply(admin: ClusterAdmin, manifest: str) -> None:
    admin.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=manifest)


@pytest.mark.parametrize(
    ("said", "version", "described"),
    [
        pytest.param(" Schema version 3.", 3, "schema version 3", id="older"),
        pytest.param("", UNKNOWN_VERSION, "a schema that does not state its version", id="before-it-said-so"),
    ],
)
def test_with_an_older_crd_the_operator_refuses_to_start_until_the_newer_one_is_applied(
    admin: ClusterAdmin, operator_kubeconfig: Path, tmp_path: Path, said: str, version: int, described: str
) -> None:
    assert SAID in MANIFEST
    apply(admin, MANIFEST.replace(SAID, said))
    eventually(lambda: serves(admin, version))
    environment = environment_of(operator_kubeconfig, admin.namespace)
    with running(environment, tmp_path) as operator:
        assert operator.exit_code() == 1
    assert operator.log().splitlines()[-1] == (
        f"the operator cannot start: the API server serves VideoUpload with {described}, "
        f"but version {SCHEMA_VERSION} is needed: {APPLY}"
    )
    assert "lease_acquired" not in operator.log()
    assert "Traceback" not in operator.log()

    apply(admin, MANIFEST)
    with running(environment, tmp_path) as operator:
        eventually(lambda: "lease_acquired" in operator.log(), within_seconds=60)


def test_without_the_crd_the_operator_says_so_and_waits(
    admin: ClusterAdmin, operator_kubeconfig: Path, tmp_path: Path
) -> None:
    admin.kubectl("delete", "crd", CRD, "--wait=true")
    eventually(lambda: serves(admin, None))
    with running(environment_of(operator_kubeconfig, admin.namespace), tmp_path) as operator:
        eventually(lambda: "the API server does not serve VideoUpload: kubectl apply" in operator.log())
        assert "lease_acquired" not in operator.log()
        apply(admin, MANIFEST)
        eventually(lambda: "lease_acquired" in operator.log(), within_seconds=60)
