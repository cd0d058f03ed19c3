"""Everything that is in a namespace, and in the cluster above all namespaces, whoever made it."""

from devstack.node.node import Node

# Events are what happened, and go by themselves; the status of components is no object.
_NOT_COUNTED = frozenset({"events", "events.events.k8s.io", "componentstatuses"})


def everything(node: Node, namespace: str) -> set[str]:
    """Return what kubectl calls each object: its kind, group and name."""
    found: set[str] = set()
    for namespaced in ("true", "false"):
        kinds = node.servers.kubectl(
            "api-resources", "--verbs=list", f"--namespaced={namespaced}", "--output=name", "--cached=false"
        ).split()
        asked = ",".join(sorted(set(kinds) - _NOT_COUNTED))
        found |= set(node.servers.kubectl("get", asked, f"--namespace={namespace}", "--output=name").split())
    return found
