"""Kubeconfig files: one for the administrator, one for each of our processes."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from devstack.pki import Pki
from devstack.place import write_private


def write_admin(file: Path, *, server_url: str, pki: Pki, namespace: str) -> None:
    """Write the kubeconfig of the local cluster's administrator, who may do everything."""
    cluster = {"server": server_url, "certificate-authority-data": _encoded(pki.file("ca.crt"))}
    user = {
        "client-certificate-data": _encoded(pki.file("admin.crt")),
        "client-key-data": _encoded(pki.file("admin.key")),
    }
    _write(file, cluster=cluster, user=user, namespace=namespace)


def write_with_token(file: Path, *, cluster: Mapping[str, object], token: str, namespace: str) -> None:
    """Write the kubeconfig of a ServiceAccount. ``cluster`` is the cluster entry of another kubeconfig."""
    _write(file, cluster=cluster, user={"token": token}, namespace=namespace)


def _write(file: Path, *, cluster: Mapping[str, object], user: Mapping[str, object], namespace: str) -> None:
    context = {"cluster": "local", "user": "local", "namespace": namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": cluster}],
        "users": [{"name": "local", "user": user}],
        "contexts": [{"name": "local", "context": context}],
        "current-context": "local",
    }
    # JSON is YAML, and every reader of kubeconfigs takes it.
    write_private(file, json.dumps(document, indent=1))


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
