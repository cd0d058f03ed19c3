"""The chart as the real Helm renders it."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from devstack.cluster import CHART
from devstack.paths import PROJECT_DIR
from devstack.tools import tool

MINIMAL = PROJECT_DIR / "docs" / "examples" / "values-minimal.yaml"
PRODUCTION = PROJECT_DIR / "docs" / "examples" / "values-production.yaml"

# What an installation with the Prometheus operator and Grafana turns on.
MONITORED = [
    "--set=serviceMonitor.enabled=true",
    "--set=prometheusRule.enabled=true",
    "--set=grafanaDashboard.enabled=true",
]

Manifest = dict[str, Any]


def helm(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run Helm."""
    argv = [str(tool("helm")), *arguments]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=120)


def refused(*arguments: str) -> str:
    """Render what cannot be rendered; returns what Helm said."""
    done = helm("template", "r", str(CHART), *arguments)
    assert done.returncode != 0, done.stdout
    return done.stderr


def rendered(release: str, *arguments: str, values: Path | None = None, more: Manifest | None = None) -> list[Manifest]:
    """Return what a release consists of. ``more`` are values that come after those of the file."""
    files = [f"--values={values}"] if values else []
    stdin = yaml.safe_dump(more) if more else ""
    files += ["--values=-"] if more else []
    done = helm("template", release, str(CHART), "--namespace=films", *files, *arguments, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def only(documents: list[Manifest], kind: str, name: str = "") -> Manifest:
    """Return the one of this kind whose name ends so."""
    (found,) = [
        document for document in documents if document["kind"] == kind and document["metadata"]["name"].endswith(name)
    ]
    return found


def pod_of(documents: list[Manifest], process: str) -> Manifest:
    """Return the pods' spec of one of our processes."""
    spec: Manifest = only(documents, "Deployment", f"-{process}")["spec"]["template"]["spec"]
    return spec


def env_of(documents: list[Manifest], process: str) -> dict[str, str]:
    """Return the variables of the process itself, as far as they have values."""
    (container,) = [one for one in pod_of(documents, process)["containers"] if one["name"] == process]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def credentials_of(documents: list[Manifest], process: str) -> dict[str, tuple[str, str]]:
    """Return the files that a process is shown: from their names to Secret and key."""
    (volume,) = [one for one in pod_of(documents, process)["volumes"] if one["name"] == "credentials"]
    return {
        item["path"]: (source["secret"]["name"], item["key"])
        for source in volume["projected"]["sources"]
        for item in source["secret"]["items"]
    }
