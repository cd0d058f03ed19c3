"""The examples for Flux and Argo CD: their own CRDs accept them, and Helm can render their values."""

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from crds.kind import KIND
from devstack.cluster import ClusterAdmin
from devstack.paths import PROJECT_DIR
from devstack.server import PartFailedError
from devstack.tools import tool
from domain.video import GROUP, Phase
from tests.integration.charted import MINIMAL, rendered
from tests.support.builders.resources import a_status
from tests.support.builders.rows import a_desired_state, an_observation
from tests.support.kstatus import Verdict, kstatus

EXAMPLES = PROJECT_DIR / "docs" / "examples"
# The kinds of Flux and Argo CD, as their projects publish them, without prose.
CRDS = sorted((Path(__file__).parent / "gitops-crds").glob("*.json"))


@pytest.fixture(scope="module")
def with_kinds(api_server: ClusterAdmin) -> ClusterAdmin:
    """An API server that knows the kinds of Flux and Argo CD."""
    for file in CRDS:
        api_server.kubectl("apply", "--server-side", f"--filename={file}")
    api_server.wait_until_served(*(file.stem for file in CRDS))
    return api_server


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLES / name).read_text()))


def would_store(cluster: ClusterAdmin, manifests: list[dict[str, Any]]) -> str:
    own = ClusterAdmin(cluster.admin_kubeconfig, f"gitops-{secrets.token_hex(4)}")
    own.create_namespace()
    for document in manifests:
        document["metadata"]["namespace"] = own.namespace
    text = yaml.safe_dump_all(manifests)
    return own.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename=-", stdin=text)


@pytest.mark.parametrize("name", ["flux.yaml", "argocd.yaml", "argocd-health.yaml", "import.yaml"])
def test_the_api_server_accepts_the_example(with_kinds: ClusterAdmin, name: str) -> None:
    manifests = documents(name)
    assert len(would_store(with_kinds, manifests).splitlines()) == len(manifests)


def test_a_field_that_flux_does_not_know_is_refused(with_kinds: ClusterAdmin) -> None:
    manifests = documents("flux.yaml")
    manifests[1]["spec"]["upgrade"]["crd"] = "CreateReplace"
    with pytest.raises(PartFailedError, match="crd"):
        would_store(with_kinds, manifests)


def test_both_examples_install_what_the_minimal_values_install() -> None:
    minimal = rendered("videos", values=MINIMAL)
    (_, release), (application,) = documents("flux.yaml"), documents("argocd.yaml")
    assert rendered("videos", more=release["spec"]["values"]) == minimal
    assert rendered("videos", more=application["spec"]["source"]["helm"]["valuesObject"]) == minimal


def test_the_examples_name_the_charts_real_path() -> None:
    (_, release), (application,) = documents("flux.yaml"), documents("argocd.yaml")
    for path in (release["spec"]["chart"]["spec"]["chart"], application["spec"]["source"]["path"]):
        assert (PROJECT_DIR / path / "Chart.yaml").exists()


HEALTH = {Verdict.IN_PROGRESS: "Progressing", Verdict.FAILED: "Degraded", Verdict.CURRENT: "Healthy"}


def test_argo_cds_health_check_agrees_with_kstatus_for_every_upload(tmp_path: Path) -> None:
    (config,) = documents("argocd-health.yaml")
    check = config["data"][f"resource.customizations.health.{GROUP}_{KIND}"]
    observed = [
        an_observation(phase, edition=2, is_playable=is_playable) for phase in Phase for is_playable in (False, True)
    ]
    desired = a_desired_state(edition=2)
    statuses: list[dict[str, Any]] = [
        {},
        {"observedGeneration": 0, "conditions": [{"type": "Ready", "status": "True", "message": "of the spec before"}]},
        *(a_status(desired, one) for one in observed),
    ]
    script = tmp_path / "health.lua"
    objects = ",\n".join(lua({"metadata": {"generation": 1}, "status": status}) for status in statuses)
    script.write_text(
        f"local function check(obj)\n{check}\nend\n"
        f"for _, obj in ipairs({{{objects}}}) do print(check(obj).status) end\n"
    )
    done = subprocess.run([str(tool("glua")), str(script)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    # Without any condition kstatus would take a new resource for finished.
    verdicts = ["Progressing", *(HEALTH[kstatus(generation=1, status=status)] for status in statuses[1:])]
    assert done.stdout.split() == verdicts
    assert set(verdicts) == set(HEALTH.values())


def lua(value: object) -> str:
    """Write a value as Lua does."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{json.dumps(key)}]={lua(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua, value)) + "}"
    return json.dumps(value)
