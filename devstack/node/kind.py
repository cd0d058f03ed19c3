"""The node as a container of kind, for machines with Docker. What tests do with it is the same as with the local node.

Services are reached from this machine by a route into the node's container, which needs root, and Docker on Linux.
This was never run where the project is developed, because no Docker runs there: a test gives every command line to the
parsers of kind and Docker.
"""

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from devstack import kind
from devstack.node.network import run
from devstack.server import PartFailedError
from devstack.tools import build, tool

NAME = "video-uploads-test"
# kind's default for Services.
SERVICE_RANGE = "10.96.0.0/16"
_BUILD_MINUTES = 15


class KindServers:
    """kubectl as the administrator of the cluster."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def kubectl(self, *arguments: str, stdin: str = "", timeout_seconds: float = 120) -> str:
        """Run kubectl as administrator and return its output."""
        argv = [str(tool("kubectl")), f"--kubeconfig={self._kubeconfig}", *arguments]
        return run(*argv, stdin=stdin, timeout_seconds=timeout_seconds)


class KindImages:
    """Images built by Docker and loaded into the node."""

    def build(self, image: str, *, tree: Path, arguments: Mapping[str, str], target: str) -> None:
        """Build an image out of a tree of this project, and load it."""
        run(*docker_build(image, tree=tree, arguments=arguments, target=target), timeout_seconds=_BUILD_MINUTES * 60)
        kind.run(*kind.load(NAME, [image]))

    def give_another_name(self, image: str, name: str) -> None:
        """Load a built image under another name too."""
        run(*docker_tag(image, name))
        kind.run(*kind.load(NAME, [name]))


class KindNode:
    """One cluster by kind, with its kubeconfig in a state directory."""

    def __init__(self, root: Path, *, say: Callable[[str], None] = lambda _line: None) -> None:
        self.kubeconfig = root / "kind-test.kubeconfig"
        self.servers = KindServers(self.kubeconfig)
        self.images = KindImages()
        self._say = say

    def up(self) -> None:
        """Make the cluster, and a route to its Services. Raises PartFailedError, also without Docker."""
        kind.check_docker()
        build(["kind", "kubectl"])
        self.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
        kind.run(*kind.create(NAME, self.kubeconfig))
        address = run(*docker_address(f"{NAME}-control-plane")).strip()
        run("ip", "route", "replace", SERVICE_RANGE, "via", address)
        self._say(f"the cluster {NAME} is ready: kubectl --kubeconfig={self.kubeconfig}")

    def down(self) -> None:
        """Delete the cluster and the route."""
        # Without Docker there is nothing to delete, and `up` has said so.
        with contextlib.suppress(PartFailedError):
            kind.check_docker()
            kind.run(*kind.delete(NAME, self.kubeconfig))
            run("ip", "route", "delete", SERVICE_RANGE)

    def forget(self) -> None:
        """Delete what an earlier run has left."""
        self.down()


def docker_build(image: str, *, tree: Path, arguments: Mapping[str, str], target: str) -> list[str]:
    """Return the command that builds an image."""
    given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    return ["docker", "build", *given, f"--target={target}", f"--tag={image}", str(tree)]


def docker_tag(image: str, name: str) -> list[str]:
    """Return the command that gives an image another name."""
    return ["docker", "tag", image, name]


def docker_address(container: str) -> list[str]:
    """Return the command that prints the address of a container in kind's network."""
    return ["docker", "inspect", "--format={{.NetworkSettings.Networks.kind.IPAddress}}", container]
