"""Client of the API server for VideoUploads, and the one home of the `kubernetes` library.

Every call states its content type, has a timeout and is made once: the caller decides whether to repeat it.
Only the library's connection is used, not its generated classes, so that bodies are plain dictionaries and errors
are translated in one place. Leader election is in controller/leader/election.py.
"""

# mypy: untyped-calls-exclude="kubernetes"

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from kubernetes.client.api_client import ApiClient
from kubernetes.client.configuration import Configuration
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.incluster_config import load_incluster_config
from kubernetes.config.kube_config import load_kube_config
from urllib3.exceptions import HTTPError

from crds.events import ResourceEvent
from crds.kind import KIND, PLURAL, VERSION
from crds.resource import Resource
from crds.signature import Signatures
from crds.spec import API_VERSION, manifest_of
from domain.errors import ConflictError, RefusedError, UnavailableError, UpstreamError
from domain.video import GROUP, DesiredState
from runtime.deadline import bound, within
from runtime.retry_after import retry_after_seconds

SPEC_MANAGER = "desired"
STATUS_MANAGER = "video-uploads-operator"

CONNECT_TIMEOUT_SECONDS = 3.0
# For one whole call, connecting included.
TIMEOUT_SECONDS = 10.0

# One for each worker of the largest operator. The library keeps five for each core, and closes what is beyond: on one
# core with eight calls at once, three of eight would shake hands anew.
CONNECTIONS_KEPT_MAX = 128

# How the message of the CRD's rule on spec.revision begins; a test against a real API server compares the two.
OUTDATED_REVISION = "spec.revision is older"
EVENT_MESSAGE_MAX = 1024

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")

# Receives each call's method, HTTP status, None without a response, and duration in seconds.
OnCall = Callable[[str, int | None, float], None]


def _ignore(_method: str, _status: int | None, _seconds: float) -> None:
    """Count no call."""


class NotFoundError(RefusedError):
    """The API server has no object of this name."""


class Cluster:
    """A connection to one namespace of an API server."""

    def __init__(self, api: ApiClient, *, namespace: str, on_call: OnCall = _ignore) -> None:
        self._api = api
        self._on_call = on_call
        self.namespace = namespace

    @classmethod
    def from_environment(cls, *, namespace: str, kubeconfig: Path | None = None, on_call: OnCall = _ignore) -> Self:
        """Connect as ``kubeconfig`` says, or as the pod's ServiceAccount. Reads files and makes no call."""
        configuration = Configuration()
        try:
            if kubeconfig is None:
                load_incluster_config(configuration)
            else:
                load_kube_config(str(kubeconfig), client_configuration=configuration)
        except ConfigException as error:
            raise RefusedError(f"connecting to Kubernetes: {error}") from error
        # By default urllib3 repeats calls, writes included.
        configuration.retries = False
        configuration.connection_pool_maxsize = CONNECTIONS_KEPT_MAX
        api = ApiClient(configuration)
        bound(api.rest_client.pool_manager)
        return cls(api, namespace=namespace, on_call=on_call)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | str | None = None,
        content_type: str = "application/json",
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> dict[str, Any]:
        """Make one call and return its JSON response. A ``body`` that is text is sent unchanged.

        Raises NotFoundError, ConflictError, UnavailableError, RefusedError.
        """
        action, began = f"{method} {path} at Kubernetes", time.monotonic()
        try:
            call = self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": content_type},
                body=body,
                auth_settings=["BearerToken"],
            )
            connect_seconds = min(CONNECT_TIMEOUT_SECONDS, timeout_seconds / 2)
            timeout = (connect_seconds, timeout_seconds - connect_seconds)
            with within(timeout_seconds) as deadline:
                response = self._api.call_api(*call, _request_timeout=timeout)
                content = response.read()
                if deadline.is_over:
                    raise TimeoutError
        except (HTTPError, ApiException, OSError) as error:
            self._on_call(method, None, time.monotonic() - began)
            raise UnavailableError(f"{action}: no answer") from error
        self._on_call(method, response.status, time.monotonic() - began)
        if response.status >= 400:
            raise _error_of(action, response.status, content, response.headers)
        return _json_object(action, content)


class UploadsClient:
    """The VideoUploads of one namespace. It signs what it writes and checks what it reads."""

    def __init__(self, cluster: Cluster, signatures: Signatures) -> None:
        self._cluster = cluster
        self._signatures = signatures
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{cluster.namespace}/{PLURAL}"

    @classmethod
    def from_environment(cls, *, namespace: str, signatures: Signatures, kubeconfig: Path | None = None) -> Self:
        """Connect as `Cluster.from_environment` does."""
        return cls(Cluster.from_environment(namespace=namespace, kubeconfig=kubeconfig), signatures)

    def apply(self, desired: DesiredState) -> Resource | None:
        """Write the desired state into the resource's spec, creating the resource if needed, and return it.

        None if the resource has a newer one, which it keeps.
        """
        manifest = manifest_of(desired, namespace=self._cluster.namespace, signatures=self._signatures)
        try:
            applied = self._cluster.request(
                "PATCH",
                self._path_of(desired.video_id),
                query={"fieldManager": SPEC_MANAGER, "force": "true", "fieldValidation": "Strict"},
                body=_as_yaml(manifest),
                content_type="application/apply-patch+yaml",
            )
        except RefusedError as error:
            if OUTDATED_REVISION in str(error):
                return None
            raise
        return self._checked(applied)

    def get(self, name: str) -> Resource | None:
        """Return one resource, None if there is none of this name."""
        try:
            return self._checked(self._cluster.request("GET", self._path_of(name)))
        except NotFoundError:
            return None

    def pages(self, *, page_size: int = 500) -> Iterator[list[Resource]]:
        """List all resources, a page at a time.

        Raises ConflictError when the listing took longer than the server keeps its snapshot: start over.
        """
        query: dict[str, str | int] = {"limit": page_size}
        while True:
            page = self._cluster.request("GET", self._path, query=query)
            yield [self._checked(item) for item in page["items"]]
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    def write_status(self, resource: Resource, status: Mapping[str, Any], *, is_signed: bool = True) -> Resource:
        """Replace the status of exactly this version. Raises ConflictError if it was changed or deleted meanwhile.

        ``is_signed``: a row may be restored from it.
        """
        name = resource.name
        signature = {"signature": self._signatures.of_status(name, resource.spec, status)} if is_signed else {}
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {
                "name": name,
                "namespace": self._cluster.namespace,
                "resourceVersion": resource.resource_version,
            },
            "status": {**status, **signature} if signature else status,
        }
        query = {"fieldManager": STATUS_MANAGER, "fieldValidation": "Strict"}
        try:
            return self._checked(self._cluster.request("PUT", self._path_of(name) + "/status", query=query, body=body))
        except NotFoundError as error:
            raise ConflictError(f"{error}: deleted meanwhile") from error

    def delete(self, name: str, *, uid: str, resource_version: str) -> None:
        """Delete exactly this version. Raises ConflictError if it changed; succeeds if it is already gone."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        try:
            self._cluster.request("DELETE", self._path_of(name), body=body)
        except NotFoundError:
            return

    def post_event(self, event: ResourceEvent) -> None:
        """Create an Event. Raises ConflictError if there is one of its name."""
        namespace = self._cluster.namespace
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": event.name, "namespace": namespace},
            "eventTime": event.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "type": event.type,
            "reason": event.reason,
            "action": "Reconcile",
            "note": event.message[:EVENT_MESSAGE_MAX],
            "reportingController": f"{GROUP}/operator",
            "reportingInstance": STATUS_MANAGER,
            "regarding": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "namespace": namespace,
                "name": event.resource_name,
                "uid": event.resource_uid,
            },
        }
        self._cluster.request("POST", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body=body)

    def _checked(self, body: Mapping[str, Any]) -> Resource:
        return self._signatures.checked(Resource.from_object(body))

    def _path_of(self, name: str) -> str:
        return f"{self._path}/{quote(name, safe='')}"


def _as_yaml(manifest: Mapping[str, Any]) -> str:
    """Return a manifest as YAML that is JSON but for its escapes.

    JSON writes a character above U+FFFF as two surrogates, which YAML refuses; unescaped, YAML would fold U+0085,
    U+2028 and U+2029 into blanks. YAML's own eight-digit escape is exact for every character.
    """
    return _NOT_ASCII.sub(lambda match: f"\\U{ord(match[0]):08x}", json.dumps(manifest, ensure_ascii=False))


def _json_object(action: str, content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError as error:
        raise UnavailableError(f"{action}: the response is not from Kubernetes") from error
    if not isinstance(body, dict):
        raise UnavailableError(f"{action}: the response is not from Kubernetes")
    return body


def _error_of(action: str, status: int, content: bytes, headers: Mapping[str, str]) -> UpstreamError:
    message = f"{action}: HTTP {status}: {_message_in(content)}"
    match status:
        case 404:
            return NotFoundError(message)
        # 410: the continue token of a listing is older than the server's history.
        case 409 | 410:
            return ConflictError(message)
        case _ if status == 429 or status >= 500:
            return UnavailableError(message, retry_after_seconds=retry_after_seconds(headers))
        case _:
            return RefusedError(message)


def _message_in(content: bytes) -> str:
    """Return the API server's message; a proxy in between may have sent anything."""
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return "no message"
