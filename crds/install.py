"""`python -m crds.install`: bring the cluster's VideoUpload kind to this release's, which Helm never does itself.

The chart runs it before an upgrade (crdUpgrade), or a person does. A newer kind is left alone: fields that only it
has may be in use.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from crds.client import Cluster, NotFoundError
from crds.kind import PLURAL, SCHEMA_VERSION
from domain.errors import UpstreamError
from domain.video import GROUP

CRD_FILE = Path(__file__).with_name("videouploads.yaml")

_VERSION_ANNOTATION = f"{GROUP}/schema-version"
_PATH = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{PLURAL}.{GROUP}"
_FIELD_MANAGER = "video-uploads-crds"


def apply(cluster: Cluster) -> str:
    """Apply the kind unless a newer one is installed; return a sentence about the result. Raises UpstreamError."""
    installed = _installed_version(cluster)
    if installed > SCHEMA_VERSION:
        return f"left the kind unchanged: its schema version is {installed}, newer than {SCHEMA_VERSION}"
    query = {"fieldManager": _FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
    text = CRD_FILE.read_text()
    cluster.request("PATCH", _PATH, query=query, body=text, content_type="application/apply-patch+yaml")
    return f"applied the kind with schema version {SCHEMA_VERSION}" + (f" over {installed}" if installed else "")


def _installed_version(cluster: Cluster) -> int:
    """Return the schema version of the installed kind; 0 if it is not installed or does not state a version."""
    try:
        kind = cluster.request("GET", _PATH)
    except NotFoundError:
        return 0
    version = kind["metadata"].get("annotations", {}).get(_VERSION_ANNOTATION, "")
    return int(version) if version.isdecimal() else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m crds.install", description="Apply the VideoUpload kind.")
    parser.add_argument("--kubeconfig", type=Path, help="default: the service account of the pod")
    options = parser.parse_args(arguments)
    try:
        sys.stdout.write(apply(Cluster.from_environment(namespace="default", kubeconfig=options.kubeconfig)) + "\n")
    except UpstreamError as error:
        sys.stderr.write(f"applying the kind: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
