"""A cluster by kind: made, filled with images and deleted, by the pinned kind and the machine's Docker.

Without Docker none of this runs, so a test gives every command line to kind's own parser instead.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devstack.node.network import run as run_command
from devstack.paths import Paths
from devstack.server import PartFailedError
from devstack.tools import tool

_READY_WITHIN = "180s"
_TIMEOUT_SECONDS = 900


def create(name: str, kubeconfig: Path) -> list[str]:
    """Return the arguments of kind that make a cluster of one node and wait for it."""
    return ["create", "cluster", f"--name={name}", f"--kubeconfig={kubeconfig}", f"--wait={_READY_WITHIN}"]


def load(name: str, images: Sequence[str]) -> list[str]:
    """Return the arguments of kind that copy images from Docker into the node."""
    return ["load", "docker-image", *images, f"--name={name}"]


def delete(name: str, kubeconfig: Path) -> list[str]:
    """Return the arguments of kind that delete a cluster, and its entry in the kubeconfig."""
    return ["delete", "cluster", f"--name={name}", f"--kubeconfig={kubeconfig}"]


def kubeconfig_of(paths: Paths) -> Path:
    """Return the kubeconfig of the stack's cluster. It exists as long as the cluster."""
    return paths.root / "kind.kubeconfig"


def name_of(paths: Paths) -> str:
    """Return the name of the stack's cluster; a stack that a test runs has one of its own."""
    return (
        "video-uploads"
        if paths.is_default
        else f"video-uploads-{hashlib.sha256(str(paths.root).encode()).hexdigest()[:8]}"
    )


def environment_with(environment: Mapping[str, str], paths: Paths, say: Callable[[str], None]) -> Mapping[str, str]:
    """Return the environment with the existing cluster in place of ``CLUSTER=kind``, making it if there is none.

    Raises PartFailedError, also without Docker.
    """
    if environment.get("CLUSTER") != "kind":
        return environment
    kubeconfig = kubeconfig_of(paths)
    if not kubeconfig.exists():
        say("making a cluster by kind: about a minute, and longer where its image is not there yet")
        paths.prepare()
        run(*create(name_of(paths), kubeconfig))
    return {**environment, "CLUSTER": "existing", "KUBECONFIG": str(kubeconfig)}


def remove(paths: Paths) -> None:
    """Delete the stack's cluster, if it has one. Nothing is lost: the operator makes its resources again."""
    kubeconfig = kubeconfig_of(paths)
    if kubeconfig.exists():
        run(*delete(name_of(paths), kubeconfig))
        kubeconfig.unlink(missing_ok=True)


def run(*arguments: str) -> str:
    """Run kind and return its output. Raises PartFailedError, also without Docker."""
    check_docker()
    return run_command(str(tool("kind")), *arguments, timeout_seconds=_TIMEOUT_SECONDS)


def check_docker() -> None:
    """Raise PartFailedError unless a Docker daemon answers."""
    otherwise = "CLUSTER=local needs neither"
    if shutil.which("docker") is None:
        raise PartFailedError(f"kind needs Docker, and `docker` is missing: apt-get install docker.io; {otherwise}")
    argv = ["docker", "version", "--format={{.Server.Version}}"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
        trouble = done.stderr.strip().splitlines() if done.returncode != 0 else []
    except subprocess.TimeoutExpired:
        trouble = ["no answer in 30 s"]
    if trouble:
        raise PartFailedError(f"kind needs a running Docker, and `docker version` says: {trouble[-1]}; {otherwise}")
