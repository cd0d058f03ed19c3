"""JSON schemas for kubeconform of the kinds that the chart uses, extracted from Kubernetes' published schema.

`python -m devstack.kubeschemas` writes one file for each release below, from Kubernetes' own Go module. The files are
kept in the repository, so that a test needs no network. `write_for_kubeconform` splits one into the files that
kubeconform reads.
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
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding"),
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
    """Return the kept file with the schemas of a release."""
    return _DIR / f"kubernetes-{release}.json"


def write_for_kubeconform(release: str, directory: Path) -> str:
    """Write a file for each kind and return kubeconform's template of their names."""
    kept = json.loads(kept_schemas(release).read_text())
    for name, reference in kept["kinds"].items():
        (directory / f"{name}.json").write_text(
            json.dumps({"$ref": reference, "definitions": kept["definitions"]}, separators=(",", ":"))
        )
    return str(directory / "{{ .ResourceKind }}{{ .KindSuffix }}.json")


def cut_out(swagger: Node) -> Node:
    """Return the schemas of our kinds and of everything they refer to, strict and without descriptions."""
    published = swagger["definitions"]
    kinds = {_file_name(*kind): f"#/definitions/{_definition_of(published, *kind)}" for kind in KINDS}
    needed: set[str] = set()
    waiting = [reference.rpartition("/")[2] for reference in kinds.values()]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += list(_references(published[name]))
    definitions = {name: _strict(published[name]) for name in sorted(needed)}
    # The API server accepts numbers too, as in `cpu: 1`.
    definitions[_QUANTITY] = {"type": ["string", "number"]}
    return {"kinds": kinds, "definitions": definitions}


def _definition_of(published: Node, group: str, version: str, kind: str) -> str:
    marker = [{"group": group, "version": version, "kind": kind}]
    (name,) = [name for name, node in published.items() if node.get("x-kubernetes-group-version-kind") == marker]
    return str(name)


def _file_name(group: str, version: str, kind: str) -> str:
    """Return kubeconform's name of a kind, such as ``deployment-apps-v1``."""
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
    """Write all files again; Go downloads the modules that it has not cached."""
    for release in RELEASES:
        command = ["go", "mod", "download", "-json", f"k8s.io/kubernetes@v{release}"]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=True)
        swagger = Path(json.loads(done.stdout)["Dir"]) / "api" / "openapi-spec" / "swagger.json"
        text = json.dumps(cut_out(json.loads(swagger.read_text())), separators=(",", ":"), sort_keys=True)
        kept_schemas(release).write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
