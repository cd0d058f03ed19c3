"""`python -m crds.install`: bring the cluster's kinds to this release's, which Helm never does itself.

The chart runs it before an upgrade (crdUpgrade), or a person does. A newer kind is left alone: fields that only it
has may be in use.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from crds.client import Cluster, NotFoundError
from crds.kind import KIND, PLURAL, PROFILE_KIND, PROFILE_PLURAL, PROFILE_SCHEMA_VERSION, SCHEMA_VERSION
from domain.errors import UpstreamError
from domain.video import GROUP

_VERSION_ANNOTATION = f"{GROUP}/schema-version"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_FIELD_MANAGER = "video-uploads-crds"


@dataclass(frozen=True)
class Definition:
    """One kind of this release, and the version of its schema."""

    kind: str
    plural: str
    schema_version: int

    @property
    def file(self) -> Path:
        """Return the manifest."""
        return Path(__file__).with_name(f"{self.plural}.yaml")

    @property
    def name(self) -> str:
        """Return the name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


VIDEO_UPLOADS = Definition(KIND, PLURAL, SCHEMA_VERSION)
DEFINITIONS = (VIDEO_UPLOADS, Definition(PROFILE_KIND, PROFILE_PLURAL, PROFILE_SCHEMA_VERSION))


def apply(cluster: Cluster) -> str:
    """Apply each kind unless a newer one is installed; return a sentence about each. Raises UpstreamError."""
    return "\n".join(_apply(cluster, definition) for definition in DEFINITIONS)


def _apply(cluster: Cluster, definition: Definition) -> str:
    installed, version = _installed_version(cluster, definition), definition.schema_version
    if installed > version:
        return f"left {definition.kind} unchanged: its schema version is {installed}, newer than {version}"
    query = {"fieldManager": _FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
    path, text = f"{_DEFINITIONS}/{definition.name}", definition.file.read_text()
    cluster.request("PATCH", path, query=query, body=text, content_type="application/apply-patch+yaml")
    return f"applied {definition.kind} with schema version {version}" + (f" over {installed}" if installed else "")


def _installed_version(cluster: Cluster, definition: Definition) -> int:
    """Return the schema version of the installed kind; 0 if it is not installed or does not state a version."""
    try:
        kind = cluster.request("GET", f"{_DEFINITIONS}/{definition.name}")
    except NotFoundError:
        return 0
    version = kind["metadata"].get("annotations", {}).get(_VERSION_ANNOTATION, "")
    return int(version) if version.isdecimal() else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m crds.install", description="Apply the kinds of this release.")
    parser.add_argument("--kubeconfig", type=Path, help="default: the service account of the pod")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(apply(Cluster.from_environment(namespace="default", kubeconfig=options.kubeconfig)) + "\n")
    except UpstreamError as error:
        sys.stderr.write(f"applying the kinds: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
