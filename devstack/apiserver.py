"""A real kube-apiserver on etcd: RBAC, CRDs with CEL, server-side apply, ServiceAccount tokens; no nodes.

Without a controller manager a namespace, once deleted, never goes away, and nothing is garbage-collected:
neither matters here, since no object of ours owns another.
"""

from pathlib import Path

from devstack import etcd, kubeconfig
from devstack.asking import answers
from devstack.pki import Pki
from devstack.place import Place
from devstack.ports import HOST, Ports
from devstack.process import Command
from devstack.server import Server
from devstack.tools import tool

NAME = "kube-apiserver"
NAMESPACE = "video-uploads"


def admin_kubeconfig(place: Place) -> Path:
    """Return the administrator's kubeconfig; written when the API server starts."""
    return place.root / "kubeconfig"


def server(place: Place, ports: Ports) -> Server:
    """Return the API server of one stack."""
    pki = Pki(place.root / "pki")
    url = f"https://{HOST}:{ports.of(NAME)}"
    argv = [
        str(tool("kube-apiserver")),
        f"--etcd-servers={etcd.client_url(ports)}",
        f"--bind-address={HOST}",
        f"--advertise-address={HOST}",
        # The loopback address may not stand in the `kubernetes` Endpoints, and nobody here would read it.
        "--endpoint-reconciler-type=none",
        f"--secure-port={ports.of(NAME)}",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        f"--client-ca-file={pki.file('ca.crt')}",
        f"--tls-cert-file={pki.file('apiserver.crt')}",
        f"--tls-private-key-file={pki.file('apiserver.key')}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki.file('service-accounts.pub')}",
        f"--service-account-signing-key-file={pki.file('service-accounts.key')}",
        "--profiling=false",
        "--v=0",
    ]

    def prepare() -> None:
        pki.ensure()
        kubeconfig.write_admin(admin_kubeconfig(place), server_url=url, pki=pki, namespace=NAMESPACE)

    return Server(
        process=place.process(NAME),
        command=Command(argv, {}, place.root),
        is_ready=lambda: _is_ready(url, pki),
        address=url,
        prepare=prepare,
    )


def _is_ready(url: str, pki: Pki) -> bool:
    return answers(f"{url}/readyz", ca=pki.file("ca.crt"), client=(pki.file("admin.crt"), pki.file("admin.key")))
