"""Lists all objects in a namespace, and all cluster-scoped objects."""

from tests.e2e.cluster.helm import AnyNode

# Events expire by themselves, and component statuses are not objects.
_NOT_COUNTED = frozenset({"events", "events.events.k8s.io", "componentstatuses"})


def everything(node: AnyNode, namespace: str) -> set[str]:
    """Return kubectl's name of each object: its kind, group and name."""
    names: set[str] = set()
    for namespaced in ("true", "false"):
        kinds = node.servers.kubectl(
            "api-resources", "--verbs=list", f"--namespaced={namespaced}", "--output=name", "--cached=false"
        ).split()
        listed = ",".join(sorted(set(kinds) - _NOT_COUNTED))
        names |= set(node.servers.kubectl("get", listed, f"--namespace={namespace}", "--output=name").split())
    return names
