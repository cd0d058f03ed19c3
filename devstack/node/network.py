"""The bridge that the node's pods and servers share, and masquerading for outgoing traffic; removed without a trace."""

import json
import subprocess
from pathlib import Path

from devstack.node import layout
from devstack.node.layout import Layout
from devstack.server import PartFailedError

# The kubelet changes the last three.
_KERNEL_SETTINGS = ("net.ipv4.ip_forward", "kernel.panic", "kernel.panic_on_oops", "vm.overcommit_memory")
_MASQUERADE = f"""
table ip {layout.NFT_TABLE} {{
  chain out {{
    type nat hook postrouting priority srcnat + 10;
    ip saddr {layout.POD_RANGE} ip daddr != {layout.POD_RANGE} masquerade;
  }}
}}
"""


def up(where: Layout) -> None:
    """Create the bridge and let pods reach the outside; safe to repeat."""
    original = _original_state_file(where)
    if not original.exists():
        original.parent.mkdir(parents=True, exist_ok=True)
        settings = {name: _kernel_file(name).read_text() for name in _KERNEL_SETTINGS}
        original.write_text(json.dumps({"settings": settings, "namespaces": _namespaces()}))
    if not Path("/sys/class/net", layout.BRIDGE).exists():
        run("ip", "link", "add", layout.BRIDGE, "address", layout.BRIDGE_MAC, "type", "bridge")
    run("ip", "address", "replace", f"{layout.ADDRESS}/24", "dev", layout.BRIDGE)
    run("ip", "link", "set", layout.BRIDGE, "up")
    _kernel_file("net.ipv4.ip_forward").write_text("1")
    _drop_table("ip", layout.NFT_TABLE)
    run("nft", "-f", "-", stdin=_MASQUERADE)


def down(where: Layout) -> None:
    """Remove everything that `up`, the pods and kube-proxy created, and restore the kernel's settings."""
    original = _original_state_file(where)
    if not original.exists():
        return
    before = json.loads(original.read_text())
    for name in set(_namespaces()) - set(before["namespaces"]):
        run("ip", "netns", "delete", name)
    if Path("/sys/class/net", layout.BRIDGE).exists():
        run("ip", "link", "delete", layout.BRIDGE)
    for family, table in (("ip", layout.NFT_TABLE), ("ip", "kube-proxy"), ("ip6", "kube-proxy")):
        _drop_table(family, table)
    for name, value in before["settings"].items():
        _kernel_file(name).write_text(value)
    original.unlink()


def run(*argv: str, stdin: str = "", timeout_seconds: float = 120, cwd: Path | None = None) -> str:
    """Run a command and return its output. Raises PartFailedError with its stderr."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, check=False, timeout=timeout_seconds, cwd=cwd
        )
    except subprocess.TimeoutExpired as error:
        raise PartFailedError(f"{' '.join(argv[:4])}: not finished in {timeout_seconds:g} s") from error
    if done.returncode != 0:
        raise PartFailedError(f"{' '.join(argv[:4])}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _original_state_file(where: Layout) -> Path:
    """Return the file with the machine's settings before `up`."""
    return where.root / "found.json"


def _namespaces() -> list[str]:
    directory = Path("/run/netns")
    return [entry.name for entry in directory.glob("cni-*")] if directory.exists() else []


def _drop_table(family: str, table: str) -> None:
    # `add` first: deleting a missing table is an error, and nft before 1.0.8 has no `destroy`.
    run("nft", "-f", "-", stdin=f"add table {family} {table}\ndelete table {family} {table}\n")


def _kernel_file(name: str) -> Path:
    return Path("/proc/sys", *name.split("."))
