"""Finds the rights of an account by trying every verb on every resource that the API server knows.

Nothing is changed: writes are sent with `dryRun=All`, and with bodies that no admission accepts.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

# Of an object that is not there: whether it may be touched is decided before it is looked for.
MISSING = "missing"

Rights = Mapping[str, Iterable[str]]

# What Kubernetes allows every ServiceAccount: to read its own identity, its rights and the cluster's trust bundles.
EVERYBODYS: Rights = {
    "authentication.k8s.io/selfsubjectreviews": {"create"},
    "authorization.k8s.io/selfsubjectaccessreviews": {"create"},
    "authorization.k8s.io/selfsubjectrulesreviews": {"create"},
    "certificates.k8s.io/clustertrustbundles": {"get", "list", "watch"},
}

_METHODS = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
}
VERBS = tuple(_METHODS)
_OF_A_COLLECTION = frozenset({"list", "watch", "create", "deletecollection"})
_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Kind:
    """One resource or subresource as the API server lists it."""

    path: str
    group: str
    name: str
    is_namespaced: bool

    def __str__(self) -> str:
        return f"{self.group}/{self.name}" if self.group else self.name


class AccountClient:
    """Calls the API server as the account of a kubeconfig."""

    def __init__(self, kubeconfig: Path, scratch: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._url = cluster["server"]
        self._session = requests.Session()
        # The environment's certificates and proxies would come before those of the kubeconfig.
        self._session.trust_env = False
        self._session.verify = str(_file(scratch / "ca.crt", cluster["certificate-authority-data"]))
        if "token" in user:
            self._session.headers["Authorization"] = f"Bearer {user['token']}"
        else:
            certificate = _file(scratch / "client.crt", user["client-certificate-data"])
            key = _file(scratch / "client.key", user["client-key-data"])
            self._session.cert = (str(certificate), str(key))

    def status(self, method: str, path: str, *, query: str = "", headers: Mapping[str, str] | None = None) -> int:
        """Make a call that changes nothing, and return its status."""
        writes = method != "GET"
        sent = {"Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json"}
        with self._session.request(
            method,
            f"{self._url}{path}?{'dryRun=All' if writes else query}",
            data=b"{}" if writes else None,
            headers={**sent, **(headers or {})},
            stream=True,
            timeout=_TIMEOUT_SECONDS,
        ) as answer:
            return answer.status_code

    def json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Make a call that succeeds, and return its answer."""
        answer = self._session.request(method, self._url + path, json=body, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        parsed: dict[str, Any] = answer.json()
        return parsed

    def may(self, verb: str, kind: Kind, *, namespace: str | None, name: str = MISSING) -> bool:
        """Try one verb on one resource; without a namespace on those of all namespaces."""
        query = "watch=true&timeoutSeconds=1" if verb == "watch" else "limit=1"
        status = self.status(_METHODS[verb], _path(verb, kind, namespace=namespace, name=name), query=query)
        assert status != 401, "the credentials were refused"
        return status != 403


def kinds_of(admin: AccountClient) -> list[Kind]:
    """Return every resource of every version that the API server serves."""
    groups = admin.json("GET", "/apis")["groups"]
    versions = [f"/apis/{version['groupVersion']}" for group in groups for version in group["versions"]]
    return [kind for path in ["/api/v1", *versions] for kind in _kinds_at(admin, path)]


def _kinds_at(admin: AccountClient, path: str) -> Iterator[Kind]:
    group = path.split("/")[2] if path.startswith("/apis/") else ""
    for resource in admin.json("GET", path)["resources"]:
        yield Kind(path, group, resource["name"], resource["namespaced"])


def _path(verb: str, kind: Kind, *, namespace: str | None, name: str) -> str:
    inside = f"{kind.path}/namespaces/{namespace}" if namespace and kind.is_namespaced else kind.path
    resource, _, subresource = kind.name.partition("/")
    if subresource:
        return f"{inside}/{resource}/{name}/{subresource}"
    return f"{inside}/{resource}" if verb in _OF_A_COLLECTION else f"{inside}/{resource}/{name}"


def _file(path: Path, encoded: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(encoded))
    return path


def pairs(rights: Rights) -> set[tuple[str, str]]:
    """Return the rights as resources with verbs."""
    return {(resource, verb) for resource, verbs in rights.items() for verb in verbs}
