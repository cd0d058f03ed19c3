"""The chart as other tools get it: packed without links, as a dependency, and with sections of values removed."""

import shutil
from pathlib import Path

import pytest
import yaml

from crds.install import DEFINITIONS
from devstack.cluster import CHART
from tests.integration.charted import MINIMAL, Manifest, helm, refused


def test_a_packed_chart_has_the_kind_where_links_are_dropped(tmp_path: Path) -> None:
    def links(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if (Path(folder) / name).is_symlink()}

    # As Flux' source-controller makes its artifact.
    shutil.copytree(CHART, tmp_path / CHART.name, ignore=links, symlinks=True)
    packed = helm("package", str(tmp_path / CHART.name), f"--destination={tmp_path}")
    assert packed.returncode == 0, packed.stderr
    (archive,) = tmp_path.glob("*.tgz")

    shown = helm("show", "crds", str(archive))

    names = {document["metadata"]["name"]: document for document in yaml.safe_load_all(shown.stdout) if document}
    assert names == {definition.name: yaml.safe_load(definition.file.read_text()) for definition in DEFINITIONS}


@pytest.mark.parametrize("is_on", [True, False])
def test_an_umbrella_chart_switches_it_by_a_condition(tmp_path: Path, is_on: bool) -> None:
    umbrella = tmp_path / "umbrella"
    shutil.copytree(CHART, umbrella / "charts" / CHART.name)
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    dependency = {"name": CHART.name, "version": version, "condition": f"{CHART.name}.enabled"}
    chart: Manifest = {"apiVersion": "v2", "name": "umbrella", "version": "1.0.0", "dependencies": [dependency]}
    (umbrella / "Chart.yaml").write_text(yaml.safe_dump(chart))
    own = yaml.safe_load(MINIMAL.read_text()) | {"enabled": is_on}
    (umbrella / "values.yaml").write_text(yaml.safe_dump({CHART.name: own, "global": {"region": "tor1"}}))

    done = helm("template", "films", str(umbrella))

    assert done.returncode == 0, done.stderr
    assert bool(list(yaml.safe_load_all(done.stdout))) is is_on


@pytest.mark.parametrize(
    "section",
    [
        "image", "credentials", "credentials.mail", "settings", "settings.api", "settings.operator", "api",
        "api.service", "operator", "serviceAccounts", "serviceAccounts.api", "rbac", "ingress", "networkPolicy",
        "gateway", "aggregatedRoles", "crdUpgrade", "serviceMonitor", "prometheusRule", "grafanaDashboard",
    ],
)  # fmt: skip
def test_a_section_that_was_removed_is_named(section: str) -> None:
    message = refused(f"--values={MINIMAL}", f"--set={section}=null")
    assert f"missing property '{section.rpartition('.')[2]}'" in message
    assert "nil pointer" not in message


@pytest.mark.parametrize(
    "value",
    ["api.resources", "api.startupProbe", "api.strategy", "podSecurityContext", "commonLabels", "image.pullPolicy"],
)
def test_a_value_that_was_removed_is_left_out(value: str) -> None:
    done = helm("template", "films", str(CHART), f"--values={MINIMAL}", f"--set={value}=null")
    assert done.returncode == 0, done.stderr
