"""The names, addresses and files of the node. Everything is on one bridge and below one directory."""

from dataclasses import dataclass
from pathlib import Path

from devstack import apiserver
from devstack.paths import PROJECT_DIR, Paths
from devstack.pki import ADMIN, Pki, Subject

NODE = "local-node"
BRIDGE = "vubridge0"
BRIDGE_MAC = "02:42:0a:58:00:01"
ADDRESS = "10.88.0.1"
POD_RANGE = "10.88.0.0/24"
POD_RANGE_FIRST = "10.88.0.10"
SERVICE_RANGE = apiserver.SERVICE_RANGE
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_SERVICE_ADDRESS = "10.96.0.10"
NFT_TABLE = "video_uploads_node"
# The name of this machine for pods.
HOST_NAME = "host.internal"

CONTROLLER_MANAGER = Subject("controller-manager", "system:kube-controller-manager")
SCHEDULER = Subject("scheduler", "system:kube-scheduler")
PROXY = Subject("proxy", "system:kube-proxy")
KUBELET = Subject("kubelet", f"system:node:{NODE}", group="system:nodes")
CLIENTS = (ADMIN, CONTROLLER_MANAGER, SCHEDULER, PROXY, KUBELET)

_API_SERVER_NAMES = tuple(f"kubernetes.default{suffix}" for suffix in ("", ".svc", ".svc.cluster.local"))
_SUBJECTS = (
    *CLIENTS,
    # The API server's client certificate for kubelets, for logs and exec.
    Subject("apiserver-kubelet-client", "kube-apiserver", group="system:masters"),
    Subject("apiserver", "kube-apiserver", hosts=(*_API_SERVER_NAMES, "localhost", ADDRESS, API_SERVICE_ADDRESS)),
    Subject("kubelet-server", NODE, hosts=(NODE, ADDRESS)),
)


@dataclass(frozen=True)
class Layout:
    """The files of one node."""

    root: Path = PROJECT_DIR / ".local" / "node"

    @property
    def paths(self) -> Paths:
        """Return the paths of pid files and logs."""
        return Paths(self.root)

    @property
    def pki(self) -> Pki:
        """Return the node's keys and certificates."""
        return Pki(self.root / "pki", _SUBJECTS)

    @property
    def socket(self) -> Path:
        """Return containerd's socket."""
        return self.root / "run" / "containerd.sock"

    def kubeconfig(self, client: Subject = ADMIN) -> Path:
        """Return the kubeconfig of one client."""
        return self.root / "kubeconfigs" / client.name

    def configuration(self, name: str) -> Path:
        """Return a configuration file."""
        return self.root / "etc" / name
