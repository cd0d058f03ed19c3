"""The chart's manifests, validated against the schemas of three Kubernetes releases, including the oldest."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from devstack.chart import SNAPSHOTS
from devstack.cluster import CHART
from devstack.kubeschemas import RELEASES, write_for_kubeconform
from devstack.tools import tool
from tests.integration.charted import MINIMAL, only, rendered


def conform(manifests: str, release: str, directory: Path) -> list[dict[str, str]]:
    """Return what kubeconform says of each manifest that is not right."""
    template = write_for_kubeconform(release, directory)
    done = subprocess.run(
        [str(tool("kubeconform")), "-strict", "-output=json", f"-schema-location={template}", "-"],
        input=manifests, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    wrong: list[dict[str, str]] = json.loads(done.stdout)["resources"]
    assert bool(wrong) == bool(done.returncode), done.stderr
    return wrong


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("values", SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_every_manifest_is_valid_in_each_supported_release(release: str, values: Path, tmp_path: Path) -> None:
    documents = rendered("r", f"--kube-version={release}", values=values)
    assert conform(yaml.safe_dump_all(documents), release, tmp_path) == []


@pytest.mark.parametrize("release", RELEASES)
def test_a_field_that_a_release_does_not_know_is_refused(release: str, tmp_path: Path) -> None:
    deployment = only(rendered("r", values=MINIMAL), "Deployment", "-api")
    deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
    (wrong,) = conform(yaml.safe_dump(deployment), release, tmp_path)
    assert "readOnlyRootFileSystem" in wrong["msg"]


def test_the_oldest_release_is_the_oldest_that_the_chart_accepts() -> None:
    accepted = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    assert accepted == f">={RELEASES[0].rpartition('.')[0]}.0-0"
