"""JSON schemas of the kinds that the chart uses, for kubeconform, cut out of what Kubernetes releases about itself.

`python -m devstack.kubeschemas` writes one file for each release below, from Kubernetes' own Go module. The files are
kept in the repository: a test needs no network. `write_for_kubeconform` makes of one what kubeconform reads.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devstack.paths import PROJECT_DIR

# The oldest that the chart accepts, the newest, and one in between.
RELEASES = ("1.32.13", "1.35.4", "1.37.2")
KINDS = (
    ("", "v1", "ConfigMap"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "Pod"),
    ("", "v1", "Secret"),
    ("", "v1", "Service"),
    ("", "v1", "ServiceAccount"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
    ("batch", "v1", "Job"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
)
_DIR = PROJECT_DIR / "devstack" / "tools" / "kubeconform"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"

Node = dict[str, Any]


def kept_schemas(release: str) -> Path:
    """Return the file in which the schemas of a release are kept."""
    return _DIR / f"kubernetes-{release}.json"


def write_for_kubeconform(release: str, directory: Path) -> str:
    """Write a file for each kind; returns kubeconform's template of their names."""
    kept = json.loads(kept_schemas(release).read_text())
    for name, reference in kept["kinds"].items():
        (directory / f"{name}.json").write_text(
            json.dumps({"$ref": reference, "definitions": kept["definitions"]}, separators=(",", ":"))
        )
    return str(directory / "{{ .ResourceKind }}{{ .KindSuffix }}.json")


def cut_out(swagger: Node) -> Node:
    """Return the schemas of our kinds and of all that they are made of, strict and without prose."""
    found = swagger["definitions"]
    kinds = {_file_name(*kind): f"#/definitions/{_definition_of(found, *kind)}" for kind in KINDS}
    needed: set[str] = set()
    waiting = [reference.rpartition("/")[2] for reference in kinds.values()]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += list(_references(found[name]))
    definitions = {name: _strict(found[name]) for name in sorted(needed)}
    # The API server takes numbers too, as in `cpu: 1`.
    definitions[_QUANTITY] = {"type": ["string", "number"]}
    return {"kinds": kinds, "definitions": definitions}


def _definition_of(found: Node, group: str, version: str, kind: str) -> str:
    wanted = {"group": group, "version": version, "kind": kind}
    (name,) = [name for name, node in found.items() if node.get("x-kubernetes-group-version-kind") == [wanted]]
    return str(name)


def _file_name(group: str, version: str, kind: str) -> str:
    """Return what kubeconform asks for, such as ``deployment-apps-v1``."""
    return "-".join(filter(None, (kind.lower(), group.partition(".")[0], version)))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for child in node.values():
            yield from _references(child)


def _strict(node: Node) -> Node:
    if node.get("format") == "int-or-string":
        return {"type": ["string", "integer"]}
    kept = {key: value for key, value in node.items() if key in ("type", "$ref", "required", "enum")}
    if "properties" in node:
        kept["properties"] = {name: _strict(child) for name, child in node["properties"].items()}
        kept["additionalProperties"] = False
    elif isinstance(node.get("additionalProperties"), dict):
        kept["additionalProperties"] = _strict(node["additionalProperties"])
    if "items" in node:
        kept["items"] = _strict(node["items"])
    return kept


def main() -> int:
    """Write the files anew; Go downloads what it has not yet."""
    for release in RELEASES:
        asked = ["go", "mod", "download", "-json", f"k8s.io/kubernetes@v{release}"]
        told = subprocess.run(asked, cwd="/", capture_output=True, text=True, check=True)
        swagger = Path(json.loads(told.stdout)["Dir"]) / "api" / "openapi-spec" / "swagger.json"
        text = json.dumps(cut_out(json.loads(swagger.read_text())), separators=(",", ":"), sort_keys=True)
        kept_schemas(release).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
