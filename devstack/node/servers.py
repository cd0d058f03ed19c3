"""The servers of the node and their dependencies. configuration.py has their configuration files."""

import os
import subprocess
from collections.abc import Callable

from devstack import apiserver, etcd, kubeconfig
from devstack.node import configuration, layout
from devstack.node.layout import Layout
from devstack.node.network import run
from devstack.ports import Ports
from devstack.process import Command
from devstack.server import Server
from devstack.tools import tool

API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
CONTAINERD = "containerd"
KUBELET = "kubelet"
PROXY = "kube-proxy"

NEEDS = {
    etcd.NAME: (),
    API_SERVER: (etcd.NAME,),
    CONTROLLER_MANAGER: (API_SERVER,),
    SCHEDULER: (API_SERVER,),
    CONTAINERD: (),
    KUBELET: (API_SERVER, CONTAINERD),
    PROXY: (API_SERVER,),
}
TOOLS = (etcd.NAME, API_SERVER, "kubectl", CONTROLLER_MANAGER, SCHEDULER, KUBELET, PROXY)


class Servers:
    """The servers of one node."""

    def __init__(self, where: Layout) -> None:
        self._where = where
        self._ports = Ports(where.root / "ports.json", prefer_fixed=False)

    @property
    def url(self) -> str:
        """Return the API server's URL."""
        return f"https://{layout.ADDRESS}:{self._ports.of(API_SERVER)}"

    def all(self) -> dict[str, Server]:
        """Return every server by its name."""
        made = (
            etcd.server(self._where.paths, self._ports),
            self._api_server(),
            self._controller_manager(),
            self._scheduler(),
            self._containerd(),
            self._kubelet(),
            self._proxy(),
        )
        return {server.name: server for server in made}

    def write_kubeconfigs(self) -> None:
        """Write a kubeconfig for each client of the API server."""
        self._where.pki.ensure()
        for client in layout.CLIENTS:
            kubeconfig.write_with_certificate(
                self._where.kubeconfig(client),
                server_url=self.url,
                pki=self._where.pki,
                client=client,
                namespace="default",
            )

    def kubectl(self, *arguments: str, stdin: str = "", timeout_seconds: float = 120) -> str:
        """Run kubectl as administrator and return its output."""
        argv = [str(tool("kubectl")), f"--kubeconfig={self._where.kubeconfig()}", *arguments]
        return run(*argv, stdin=stdin, timeout_seconds=timeout_seconds)

    def _api_server(self) -> Server:
        pki = self._where.pki
        common = apiserver.flags(
            pki, etcd_url=etcd.client_url(self._ports), host=layout.ADDRESS, port=self._ports.of(API_SERVER)
        )
        argv = [
            *common,
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--kubelet-certificate-authority={pki.file('ca.crt')}",
            f"--kubelet-client-certificate={pki.file('apiserver-kubelet-client.crt')}",
            f"--kubelet-client-key={pki.file('apiserver-kubelet-client.key')}",
            "--kubelet-preferred-address-types=InternalIP",
        ]
        return self._server(API_SERVER, argv, lambda: apiserver.is_ready(self.url, pki))

    def _controller_manager(self) -> Server:
        pki = self._where.pki
        argv = [
            str(tool(CONTROLLER_MANAGER)),
            f"--kubeconfig={self._where.kubeconfig(layout.CONTROLLER_MANAGER)}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._ports.of(CONTROLLER_MANAGER)}",
            f"--service-account-private-key-file={pki.file('service-accounts.key')}",
            f"--root-ca-file={pki.file('ca.crt')}",
            f"--cluster-signing-cert-file={pki.file('ca.crt')}",
            f"--cluster-signing-key-file={pki.file('ca.key')}",
        ]
        # Its first visible work: it creates a ServiceAccount in every namespace.
        return self._server(CONTROLLER_MANAGER, argv, lambda: self._exists("serviceaccount", "default"))

    def _scheduler(self) -> Server:
        argv = [
            str(tool(SCHEDULER)),
            f"--kubeconfig={self._where.kubeconfig(layout.SCHEDULER)}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._ports.of(SCHEDULER)}",
        ]
        return self._server(SCHEDULER, argv, lambda: True)

    def _containerd(self) -> Server:
        argv = ["containerd", "--config", str(self._where.configuration("containerd.toml"))]
        ctr = ["ctr", "--address", str(self._where.socket), "version"]
        return self._server(CONTAINERD, argv, lambda: _succeeds(ctr))

    def _kubelet(self) -> Server:
        argv = [
            str(tool(KUBELET)),
            f"--config={self._where.configuration('kubelet.json')}",
            f"--kubeconfig={self._where.kubeconfig(layout.KUBELET)}",
            f"--root-dir={self._where.root}/kubelet",
            f"--cert-dir={self._where.root}/kubelet/pki",
            f"--hostname-override={layout.NODE}",
            f"--node-ip={layout.ADDRESS}",
        ]
        return self._server(KUBELET, argv, lambda: self._exists("node", layout.NODE))

    def _proxy(self) -> Server:
        argv = [str(tool(PROXY)), f"--config={self._where.configuration('proxy.json')}"]
        return self._server(PROXY, argv, lambda: _succeeds(["nft", "list", "table", "ip", "kube-proxy"]))

    def _server(self, name: str, argv: list[str], is_ready: Callable[[], bool]) -> Server:
        return Server(
            process=self._where.paths.process(name),
            command=Command(argv, {"PATH": os.environ["PATH"]}, self._where.root),
            is_ready=is_ready,
            address=layout.ADDRESS,
            prepare=lambda: configuration.write_all(self._where),
        )

    def _exists(self, kind: str, name: str) -> bool:
        kubectl = [str(tool("kubectl")), f"--kubeconfig={self._where.kubeconfig()}"]
        return _succeeds([*kubectl, "get", kind, name, "--request-timeout=2s"])


def _succeeds(argv: list[str]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False, timeout=30).returncode == 0
