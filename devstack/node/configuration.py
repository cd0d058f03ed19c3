"""The configuration files of the node's servers, written only where they differ.

The unusual lines were found by testing on Debian bookworm with cgroup v1 and without CAP_SYS_RESOURCE:
`restrict_oom_score_adj` and the kubelet's score, because raising scores is refused there; `failCgroupV1`, because
kubelet 1.35 and later refuse such hosts otherwise; the thresholds of image garbage collection, because a deleted image
cannot be pulled again.
"""

import json

from devstack.node import layout
from devstack.node.layout import Layout
from devstack.paths import write_private

_NO_AUFS = [f"io.containerd.snapshotter.v1.{name}" for name in ("aufs", "btrfs", "zfs", "devmapper")]
PAUSE_IMAGE = "localhost/pause:dev"


def write_all(where: Layout) -> None:
    """Write every configuration file that differs: kube-proxy exits when its file is rewritten."""
    texts = {
        "containerd.toml": containerd(where),
        "cni/net.d/10-node.conflist": json.dumps(cni(where), indent=1),
        "kubelet.json": json.dumps(kubelet(where), indent=1),
        "proxy.json": json.dumps(proxy(where), indent=1),
    }
    for name, text in texts.items():
        file = where.configuration(name)
        if not file.exists() or file.read_text() != text:
            write_private(file, text)


def containerd(where: Layout) -> str:
    """Return containerd's configuration, with all paths below the node's directory."""
    return f"""version = 2
root = "{where.root}/containerd"
state = "{where.root}/run/containerd"
disabled_plugins = {json.dumps(_NO_AUFS)}
[grpc]
  address = "{where.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{where.root}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  cni = {{ bin_dir = "/usr/lib/cni", conf_dir = "{where.configuration("cni/net.d")}" }}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    options = {{ SystemdCgroup = false }}
"""


def cni(where: Layout) -> dict[str, object]:
    """Return the pod network. network.py does the masquerading: the plugin would use iptables for it."""
    addresses = {
        "type": "host-local",
        "dataDir": str(where.root / "cni-addresses"),
        "ranges": [[{"subnet": layout.POD_RANGE, "rangeStart": layout.POD_RANGE_FIRST}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": layout.BRIDGE,
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {"cniVersion": "1.0.0", "name": "node", "plugins": [bridge]}


def kubelet(where: Layout) -> dict[str, object]:
    """Return the kubelet's configuration."""
    pki = where.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": f"unix://{where.socket}",
        "address": layout.ADDRESS,
        "oomScoreAdj": 0,
        "makeIPTablesUtilChains": False,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.file("ca.crt"))},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki.file("kubelet-server.crt")),
        "tlsPrivateKeyFile": str(pki.file("kubelet-server.key")),
        "clusterDNS": [layout.DNS_SERVICE_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf",
        "podLogsDir": str(where.root / "pod-logs"),
        "volumePluginDir": str(where.root / "kubelet" / "volumeplugins"),
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.inodesFree": "1%",
        },
    }


def proxy(where: Layout) -> dict[str, object]:
    """Return kube-proxy's configuration: with nftables it leaves no chains behind and needs no iptables."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(where.kubeconfig(layout.PROXY))},
        "clusterCIDR": layout.POD_RANGE,
        "hostnameOverride": layout.NODE,
        "oomScoreAdj": 0,
        "bindAddress": layout.ADDRESS,
        "healthzBindAddress": f"{layout.ADDRESS}:10256",
        "metricsBindAddress": f"{layout.ADDRESS}:10249",
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }
