"""The Prometheus operator's kinds that the chart uses, as that project publishes them, without descriptions.

`python -m devstack.monitoringkinds` writes one file for each, from the project's Go module, whose hash is pinned here.
The files are kept in the repository, so that a test needs no network.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from devstack.paths import PROJECT_DIR

KINDS_DIR = PROJECT_DIR / "tests" / "integration" / "monitoring-crds"
_GROUP = "monitoring.coreos.com"
_PLURALS = ("prometheusrules", "servicemonitors")
_MODULE = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
_HASH = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="


def files() -> list[Path]:
    """Return the files, one CRD in each."""
    return [KINDS_DIR / f"{plural}.{_GROUP}.json" for plural in _PLURALS]


def without_prose(node: Any) -> Any:
    """Return a CRD without its descriptions. A field named `description` is a schema and stays."""
    if isinstance(node, dict):
        return {
            key: without_prose(child)
            for key, child in node.items()
            if not (key == "description" and isinstance(child, str))
        }
    if isinstance(node, list):
        return [without_prose(child) for child in node]
    return node


def main() -> int:
    """Write all files again; Go downloads the module unless it has cached it."""
    command = ["go", "mod", "download", "-json", _MODULE]
    module = json.loads(subprocess.run(command, cwd="/", capture_output=True, text=True, check=True).stdout)
    if module["Sum"] != _HASH:
        sys.exit(f"{_MODULE} has the hash {module['Sum']} instead of {_HASH}")
    published = Path(module["Dir"]) / "example" / "prometheus-operator-crd"
    KINDS_DIR.mkdir(exist_ok=True)
    for plural, file in zip(_PLURALS, files(), strict=True):
        crd = yaml.safe_load((published / f"{_GROUP}_{plural}.yaml").read_text())
        file.write_text(json.dumps(without_prose(crd), separators=(",", ":"), sort_keys=True) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
