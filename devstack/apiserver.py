"""A real kube-apiserver on etcd: RBAC, CRDs with CEL, server-side apply, ServiceAccount tokens; no nodes.

Without a controller manager a deleted namespace never goes away, and nothing is garbage-collected. Neither matters
here, since none of our objects owns another.
"""

from pathlib import Path

from devstack import etcd, kubeconfig
from devstack.http_probe import is_serving
from devstack.paths import Paths
from devstack.pki import ADMIN, Pki
from devstack.ports import HOST, Ports
from devstack.process import Command
from devstack.server import Server
from devstack.tools import tool

NAME = "kube-apiserver"
NAMESPACE = "video-uploads"
SERVICE_RANGE = "10.96.0.0/16"


def admin_kubeconfig(paths: Paths) -> Path:
    """Return the administrator's kubeconfig; written when the API server starts."""
    return paths.root / "kubeconfig"


def server(paths: Paths, ports: Ports) -> Server:
    """Return the API server of one stack."""
    pki = Pki(paths.root / "pki")
    url = f"https://{HOST}:{ports.of(NAME)}"
    argv = [
        *flags(pki, etcd_url=etcd.client_url(ports), host=HOST, port=ports.of(NAME)),
        # The `kubernetes` Endpoints may not hold a loopback address, and nothing here would read it.
        "--endpoint-reconciler-type=none",
        "--authorization-mode=RBAC",
    ]

    def prepare() -> None:
        pki.ensure()
        kubeconfig.write_with_certificate(
            admin_kubeconfig(paths), server_url=url, pki=pki, client=ADMIN, namespace=NAMESPACE
        )

    return Server(
        process=paths.process(NAME),
        command=Command(argv, {}, paths.root),
        is_ready=lambda: is_ready(url, pki),
        address=url,
        prepare=prepare,
    )


def flags(pki: Pki, *, etcd_url: str, host: str, port: int) -> list[str]:
    """Return the flags that the API servers of the stack and of the node share."""
    return [
        str(tool("kube-apiserver")),
        f"--etcd-servers={etcd_url}",
        f"--bind-address={host}",
        f"--advertise-address={host}",
        f"--secure-port={port}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--client-ca-file={pki.file('ca.crt')}",
        f"--tls-cert-file={pki.file('apiserver.crt')}",
        f"--tls-private-key-file={pki.file('apiserver.key')}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki.file('service-accounts.pub')}",
        f"--service-account-signing-key-file={pki.file('service-accounts.key')}",
        "--profiling=false",
        "--v=0",
    ]


def is_ready(url: str, pki: Pki) -> bool:
    """Return whether the API server serves."""
    return is_serving(f"{url}/readyz", ca=pki.file("ca.crt"), client=(pki.file("admin.crt"), pki.file("admin.key")))
