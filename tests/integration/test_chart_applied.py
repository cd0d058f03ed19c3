"""The chart on a real API server: accepted manifests, pods in restricted namespaces, and the upgrade of the CRD."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from crds.install import DEFINITIONS, VIDEO_UPLOADS
from devstack.chart import SNAPSHOTS
from devstack.cluster import CHART, CRD, ClusterAdmin
from devstack.paths import PROJECT_DIR
from devstack.server import PartFailedError
from tests.integration.charted import MINIMAL, PRODUCTION, Manifest, helm, only, pod_of, rendered


@pytest.fixture
def restricted(api_server: ClusterAdmin) -> ClusterAdmin:
    """A namespace in which only restricted pods are admitted."""
    own = ClusterAdmin(api_server.admin_kubeconfig, f"films-{secrets.token_hex(4)}")
    own.create_namespace()
    own.kubectl("label", "namespace", own.namespace, "pod-security.kubernetes.io/enforce=restricted")
    # No controller manager makes it here.
    own.kubectl("create", "serviceaccount", "default")
    return own


def apply(cluster: ClusterAdmin, documents: list[Manifest], *options: str) -> str:
    return cluster.kubectl(
        "apply", "--server-side", "--validate=strict", "--filename=-", *options, stdin=yaml.safe_dump_all(documents)
    )


def in_namespace(cluster: ClusterAdmin, values: Path, *arguments: str) -> list[Manifest]:
    return rendered("r", f"--set=namespaceOverride={cluster.namespace}", *arguments, values=values)


@pytest.mark.parametrize("values", SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_the_api_server_accepts_every_manifest(restricted: ClusterAdmin, values: Path) -> None:
    documents = in_namespace(restricted, values)
    applied = apply(restricted, documents, "--dry-run=server").splitlines()
    assert len(applied) == len(documents)


def test_an_unknown_field_is_refused(restricted: ClusterAdmin) -> None:
    documents = in_namespace(restricted, MINIMAL)
    only(documents, "Deployment", "-api")["spec"]["replica"] = 3
    with pytest.raises(PartFailedError, match="replica"):
        apply(restricted, documents, "--dry-run=server")


def pods(documents: list[Manifest]) -> Iterator[Manifest]:
    """Yield every kind of pod of a release."""
    for document in documents:
        if document["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield document["spec"]["template"]["spec"]
        elif document["kind"] == "Pod":
            yield document["spec"]


@pytest.mark.parametrize(("values", "count"), [(PRODUCTION, 4), (SNAPSHOTS["demo"], 7)], ids=["production", "demo"])
def test_restricted_namespaces_admit_every_pod(restricted: ClusterAdmin, values: Path, count: int) -> None:
    documents = in_namespace(restricted, values)
    accounts = [document for document in documents if document["kind"] == "ServiceAccount"]
    apply(restricted, accounts)
    assert len(list(pods(documents))) == count
    for number, spec in enumerate(pods(documents)):
        # A restart policy of "Always" is the Deployment's default and the pod's too.
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"p{number}", "namespace": restricted.namespace},
            "spec": spec,
        }
        assert "created" in restricted.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))


def test_restricted_namespaces_refuse_a_privileged_pod(restricted: ClusterAdmin) -> None:
    documents = in_namespace(restricted, MINIMAL, "--set=podSecurityContext.runAsNonRoot=false")
    apply(restricted, [document for document in documents if document["kind"] == "ServiceAccount"])
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": restricted.namespace},
        "spec": pod_of(documents, "api"),
    }
    with pytest.raises(PartFailedError, match="violates PodSecurity"):
        restricted.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(pod))


def test_a_release_is_installed_upgraded_and_uninstalled_and_the_crd_stays(restricted: ClusterAdmin) -> None:
    access = [f"--kubeconfig={restricted.admin_kubeconfig}", f"--namespace={restricted.namespace}"]
    for step in (
        ["install", "films", str(CHART), f"--values={MINIMAL}"],
        ["upgrade", "films", str(CHART), f"--values={MINIMAL}", "--set=api.replicaCount=4"],
    ):
        done = helm(*step, *access)
        assert done.returncode == 0, done.stderr
    assert "rollout status deployment/films-video-uploads-api" in done.stdout
    assert restricted.kubectl("get", "deployment/films-video-uploads-api", "--output=jsonpath={.spec.replicas}") == "4"
    done = helm("uninstall", "films", *access)
    assert done.returncode == 0, done.stderr
    assert restricted.kubectl("get", "deployments", "--output=name") == ""
    assert restricted.kubectl("get", "crd", CRD, "--output=name")


@pytest.fixture
def may_upgrade_the_kind(restricted: ClusterAdmin, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig that may do what the chart grants the Job, no more."""
    documents = in_namespace(restricted, PRODUCTION)
    account = "r-video-uploads-crds"
    rights = [document for document in documents if document["metadata"]["name"].endswith(account)]
    rights = [document for document in rights if document["kind"] != "Job"]
    apply(restricted, rights)
    file = tmp_path / "job.kubeconfig"
    restricted.write_account_kubeconfig(file, account=account)
    yield file
    for document in rights:
        restricted.kubectl("delete", document["kind"], document["metadata"]["name"])
    files = [f"--filename={definition.file}" for definition in DEFINITIONS]
    restricted.kubectl("apply", "--server-side", "--force-conflicts", *files)
    restricted.wait_until_served(*(definition.name for definition in DEFINITIONS))


def run_apply(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crds.install", f"--kubeconfig={file}"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def the_kind(cluster: ClusterAdmin) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster.kubectl("get", "crd", CRD, "--output=json"))
    return found


def make_schema(cluster: ClusterAdmin, version: str) -> None:
    """Pretend that another release had applied the kind, with a short name of its own."""
    change = {
        "metadata": {"annotations": {"video.uploads.dev/schema-version": version}},
        "spec": {"names": {"shortNames": ["vu", "vus"]}},
    }
    cluster.kubectl("patch", "crd", CRD, "--type=merge", f"--patch={json.dumps(change)}")


def test_the_upgrade_jobs_rights_suffice_to_upgrade_an_older_crd(
    restricted: ClusterAdmin, may_upgrade_the_kind: Path
) -> None:
    ours = yaml.safe_load(VIDEO_UPLOADS.file.read_text())["metadata"]["annotations"]["video.uploads.dev/schema-version"]
    make_schema(restricted, "1")
    done = run_apply(may_upgrade_the_kind)
    assert done.returncode == 0, done.stderr
    assert f"applied VideoUpload with schema version {ours} over 1\n" in done.stdout
    assert "applied TranscodeProfile with schema version" in done.stdout
    kind = the_kind(restricted)
    assert kind["metadata"]["annotations"]["video.uploads.dev/schema-version"] == ours
    assert kind["spec"]["names"]["shortNames"] == ["vu"]


def test_the_upgrade_jobs_rights_suffice_to_add_a_kind_that_the_last_release_did_not_have(
    restricted: ClusterAdmin, may_upgrade_the_kind: Path
) -> None:
    profiles = DEFINITIONS[1]
    restricted.kubectl("delete", "crd", profiles.name, "--wait=true")
    done = run_apply(may_upgrade_the_kind)
    assert done.returncode == 0, done.stderr
    restricted.wait_until_served(profiles.name)


def test_a_newer_crd_is_not_replaced(restricted: ClusterAdmin, may_upgrade_the_kind: Path) -> None:
    make_schema(restricted, "99")
    done = run_apply(may_upgrade_the_kind)
    assert done.returncode == 0
    assert "left VideoUpload unchanged" in done.stdout
    assert the_kind(restricted)["spec"]["names"]["shortNames"] == ["vu", "vus"]


def test_an_upgrade_without_the_right_says_so(restricted: ClusterAdmin, tmp_path: Path) -> None:
    file = tmp_path / "nobody.kubeconfig"
    restricted.kubectl("create", "serviceaccount", "nobody")
    restricted.write_account_kubeconfig(file, account="nobody")
    done = run_apply(file)
    assert done.returncode == 1
    assert done.stderr.startswith("applying the kinds: ")
    assert "forbidden" in done.stderr
