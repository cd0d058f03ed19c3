"""helm and kubectl in one namespace of the node, and the names of its images."""

import json
from collections.abc import Mapping
from typing import Any

from devstack.node.kind import KindNode
from devstack.node.network import run
from devstack.node.node import Node
from devstack.paths import PROJECT_DIR
from devstack.tools import tool

CHART = PROJECT_DIR / "charts" / "video-uploads"
REPOSITORY = "localhost/video-uploads"
# Tags of this tree's image, and of the previous release's.
CURRENT, PREVIOUS = "dev", "previous"
DEMO_IMAGE = "localhost/video-uploads-demo:dev"
WAIT_SECONDS = 300

# They are made in different ways, and used in the same.
AnyNode = Node | KindNode


class Helm:
    """One namespace."""

    def __init__(self, node: AnyNode, namespace: str) -> None:
        self._node = node
        self.namespace = namespace

    def create_namespace(self) -> None:
        """Create the namespace, which admits only pods of the restricted standard."""
        self._node.servers.kubectl("create", "namespace", self.namespace)
        self._node.servers.kubectl(
            "label", "namespace", self.namespace, "pod-security.kubernetes.io/enforce=restricted"
        )

    def delete_namespace(self) -> None:
        """Start the deletion of the namespace and everything in it."""
        self._node.servers.kubectl("delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found")

    def create_secret(self, name: str, values: Mapping[str, str]) -> None:
        """Create a Secret."""
        self.kubectl("create", "secret", "generic", name, *(f"--from-literal={key}={values[key]}" for key in values))

    def service_addresses(self) -> dict[str, str]:
        """Return the address of each Service by its name."""
        return {found["metadata"]["name"]: found["spec"]["clusterIP"] for found in self.get("services")}

    def get(self, kind: str, *selection: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        items: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, *selection, "--output=json"))["items"]
        return items

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the namespace and return its output."""
        return self._node.servers.kubectl(f"--namespace={self.namespace}", *arguments, timeout_seconds=WAIT_SECONDS)

    def run(self, *arguments: str) -> str:
        """Run helm as the cluster's administrator."""
        argv = [str(tool("helm")), f"--kubeconfig={self._node.kubeconfig}", f"--namespace={self.namespace}"]
        if "--wait" in arguments:
            argv.append(f"--timeout={WAIT_SECONDS}s")
        return run(*argv, *arguments, timeout_seconds=WAIT_SECONDS + 30)
