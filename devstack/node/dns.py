"""Cluster DNS: CoreDNS in a pod, which also resolves a name for this machine."""

import json

from devstack.node import layout
from devstack.node.images import DNS_IMAGE

_COREFILE = f"""
.:53 {{
  errors
  ready
  kubernetes cluster.local in-addr.arpa
  hosts {{
    {layout.ADDRESS} {layout.HOST_NAME}
    fallthrough
  }}
  forward . /etc/resolv.conf
  cache 5
}}
"""
_NAME = "coredns"
_LABELS = {"k8s-app": "kube-dns"}


def manifests() -> str:
    """Return the manifests as one JSON list."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*_rights(), *_workload()]})


def _meta(name: str = _NAME, **more: object) -> dict[str, object]:
    return {"name": name, "namespace": "kube-system", **more}


def _rights() -> list[dict[str, object]]:
    watched = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces", "endpoints"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": _NAME}}
    binding: dict[str, object] = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _NAME},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": _NAME},
        "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": "kube-system"}],
    }
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _meta()},
        {**role, "rules": watched},
        binding,
    ]


def _workload() -> list[dict[str, object]]:
    container = {
        "name": _NAME,
        "image": DNS_IMAGE,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "volumeMounts": [{"name": "configuration", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    pod = {
        "serviceAccountName": _NAME,
        # CoreDNS itself uses the machine's resolver.
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": _NAME}}],
    }
    deployment = {
        "replicas": 1,
        "selector": {"matchLabels": _LABELS},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
    }
    ports = [{"name": f"dns-{protocol.lower()}", "port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    service = {"clusterIP": layout.DNS_SERVICE_ADDRESS, "selector": _LABELS, "ports": ports}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _meta(), "data": {"Corefile": _COREFILE}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _meta(), "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": _meta("kube-dns"), "spec": service},
    ]
