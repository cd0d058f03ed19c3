"""`python -m crds.install`: bring the cluster's VideoUpload kind to this release's, which Helm never does by itself.

Run before an upgrade by the chart (crdUpgrade), or by a person. A newer kind that is there stays: fields that only
it knows may be in use.
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
    """Apply the kind and say what was done. Raises NeighbourError."""
    theirs = _installed_version(cluster)
    if theirs > SCHEMA_VERSION:
        return f"the kind is there with schema version {theirs}, newer than {SCHEMA_VERSION}: left as it is"
    query = {"fieldManager": _FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
    text = CRD_FILE.read_text()
    cluster.request("PATCH", _PATH, query=query, body=text, content_type="application/apply-patch+yaml")
    return f"the kind has schema version {SCHEMA_VERSION}" + (f", it had {theirs}" if theirs else "")


def _installed_version(cluster: Cluster) -> int:
    """Return the schema version of the kind that is there; 0 if there is none, or one of nobody's making."""
    try:
        there = cluster.request("GET", _PATH)
    except NotFoundError:
        return 0
    told = there["metadata"].get("annotations", {}).get(_VERSION_ANNOTATION, "")
    return int(told) if told.isdecimal() else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m crds.install", description="Apply the VideoUpload kind.")
    parser.add_argument("--kubeconfig", type=Path, help="by default the service account of the pod is used")
    asked = parser.parse_args(arguments)
    try:
        sys.stdout.write(apply(Cluster.from_environment(namespace="default", kubeconfig=asked.kubeconfig)) + "\n")
    except UpstreamError as error:
        sys.stderr.write(f"applying the kind: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
