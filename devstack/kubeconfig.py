"""Writes kubeconfig files, for clients with a certificate and for ServiceAccounts with a token."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from devstack.paths import write_private
from devstack.pki import Pki, Subject


def write_with_certificate(file: Path, *, server_url: str, pki: Pki, client: Subject, namespace: str) -> None:
    """Write the kubeconfig of a client with a certificate."""
    cluster = {"server": server_url, "certificate-authority-data": _encoded(pki.file("ca.crt"))}
    user = {
        "client-certificate-data": _encoded(pki.file(f"{client.name}.crt")),
        "client-key-data": _encoded(pki.file(f"{client.name}.key")),
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
    # JSON is valid YAML.
    write_private(file, json.dumps(document, indent=1))


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
