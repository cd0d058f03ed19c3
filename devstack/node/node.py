"""The node as a whole: started until pods run and names resolve, and stopped without leaving anything behind."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from devstack import etcd
from devstack.dependency_order import in_order, reversed_needs
from devstack.node import dns, layout, network, servers
from devstack.node.images import Images
from devstack.node.layout import Layout
from devstack.node.servers import Servers
from devstack.server import PartFailedError
from devstack.tools import build
from devstack.waiting import until

# Each program with its Debian package.
_PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "debootstrap": "debootstrap",
    "buildah": "buildah",
    "ip": "iproute2",
    "gcc": "gcc",
}
_PLUGINS = Path("/usr/lib/cni/bridge")
_PLUGINS_PACKAGE = "containernetworking-plugins"


class Node:
    """One node in one state directory."""

    def __init__(self, where: Layout, *, say: Callable[[str], None] = lambda _line: None) -> None:
        self._where = where
        self._say = say
        self.servers = Servers(where)
        self.images = Images(where)

    @property
    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig."""
        return self._where.kubeconfig()

    def up(self) -> None:
        """Start the servers that do not run, and wait until pods run and resolve names."""
        check_machine()
        self._where.paths.prepare()
        build([*servers.TOOLS, "coredns"])
        network.up(self._where)
        self.servers.write_kubeconfigs()
        parts = self.servers.all()
        in_order(servers.NEEDS, lambda name: self._bring_up(name, parts[name].up))
        self._bring_up("images", self.images.load_own)
        self.servers.kubectl("wait", "--for=condition=Ready", f"node/{layout.NODE}", "--timeout=90s")
        self.servers.kubectl("apply", "--server-side", "--filename=-", stdin=dns.manifests())
        self.servers.kubectl(
            "--namespace=kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s", timeout_seconds=100
        )
        self._say(f"node {layout.NODE} is ready: kubectl --kubeconfig={self.kubeconfig}")

    def down(self) -> None:
        """Stop everything and restore the machine. Images and etcd's data stay in the state directory."""
        if not self._where.root.exists():
            return
        paths = self._where.paths
        for name in (servers.SCHEDULER, servers.CONTROLLER_MANAGER):
            paths.process(name).stop()
        if paths.process(servers.API_SERVER).is_alive() and paths.process(servers.KUBELET).is_alive():
            # While the kubelet runs, because it releases addresses and mounts.
            with contextlib.suppress(PartFailedError):
                self.servers.kubectl("delete", "pods", "--all-namespaces", "--all", "--grace-period=2", "--timeout=60s")
        for name in (servers.KUBELET, servers.PROXY):
            paths.process(name).stop()
        if paths.process(servers.CONTAINERD).is_alive():
            self._end_containers()
        remaining = {name: servers.NEEDS[name] for name in (servers.CONTAINERD, servers.API_SERVER, etcd.NAME)}
        in_order(reversed_needs(remaining), lambda name: paths.process(name).stop())
        network.down(self._where)
        self._unmount()
        self._remove_control_groups()
        shutil.rmtree(self._where.root / "cni-addresses", ignore_errors=True)
        self._say("the node is down")

    def forget(self) -> None:
        """Stop the node and delete the cluster's data, so that the next start has an empty cluster."""
        self.down()
        shutil.rmtree(self._where.paths.data(etcd.NAME), ignore_errors=True)
        shutil.rmtree(self._where.root / "kubelet", ignore_errors=True)

    def _bring_up(self, name: str, do: Callable[[], str]) -> None:
        began = time.monotonic()
        happened = do()
        self._say(f"{name:<24} {happened:<21} ({time.monotonic() - began:.1f} s)")

    def _end_containers(self) -> None:
        ctr = ["ctr", "--address", str(self._where.socket), "--namespace", "k8s.io"]
        for kind, end in (("tasks", ("kill", "--signal", "SIGKILL")), ("tasks", ("delete", "--force")),
                          ("containers", ("delete",))):  # fmt: skip
            for name in network.run(*ctr, kind, "list", "--quiet").split():
                subprocess.run([*ctr, kind, *end, name], capture_output=True, check=False, timeout=60)

    def _unmount(self) -> None:
        """Unmount everything below the directory, deepest first: the kubelet mounts its own root onto itself."""
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted((m for m in mounts if m.startswith(f"{self._where.root}/")), key=len, reverse=True):
            network.run("umount", mount)

    def _remove_control_groups(self) -> None:
        groups = [top for name in ("kubepods", "k8s.io") for top in Path("/sys/fs/cgroup").glob(f"*/{name}")]
        for top in groups:
            for directory, _, _ in os.walk(top, topdown=False):
                # A process that just ended may still be in the group for a moment.
                until(partial(_removed, Path(directory)), within_seconds=10, what=f"{directory} to be empty")


def _removed(group: Path) -> bool:
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def check_machine() -> None:
    """Raise PartFailedError unless everything that the node is made of is here; the message has the command."""
    if os.geteuid() != 0:
        raise PartFailedError("a node needs root: containers, a bridge, control groups")
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    missing += [] if _PLUGINS.exists() else [_PLUGINS_PACKAGE]
    if missing:
        packages = " ".join(missing)
        raise PartFailedError(f"missing for a node: apt-get install --no-install-recommends {packages}")
