"""The cluster: every VideoUpload of the namespace, and the Events about them."""

# mypy: untyped-calls-exclude="kubernetes"

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from kubernetes import config

from chaos.checker.world import ClusterEvent, ResourceRecord

GROUP, VERSION, PLURAL = "video.uploads.dev", "v1alpha1", "videouploads"
ORIGIN_LABEL = f"{GROUP}/origin"

_PAGE = 500
_TIMEOUT_SECONDS = 30


class ClusterReader:
    """One namespace."""

    def __init__(self, kubeconfig: str, namespace: str) -> None:
        self._api = config.new_client_from_config(config_file=kubeconfig)
        self._namespace = namespace

    def resources(self) -> dict[str, ResourceRecord]:
        """Return all VideoUploads by name."""
        path = f"/apis/{GROUP}/{VERSION}/namespaces/{self._namespace}/{PLURAL}"
        return {item["metadata"]["name"]: resource_of(item) for item in self._pages(path)}

    def events(self) -> list[ClusterEvent]:
        """Return the Events about VideoUploads that the cluster still has."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self._namespace}/events"
        return [_event(item) for item in self._pages(path) if item["regarding"].get("kind") == "VideoUpload"]

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            answer = self._api.call_api(
                *self._api.param_serialize(
                    "GET",
                    path,
                    query_params=[("limit", _PAGE), ("continue", token)],
                    header_params={"Accept": "application/json"},
                    auth_settings=["BearerToken"],
                ),
                _request_timeout=_TIMEOUT_SECONDS,
            )
            page = json.loads(answer.read())
            yield from page["items"]
            token = page["metadata"].get("continue") or ""
            if not token:
                return


def resource_of(item: Mapping[str, Any]) -> ResourceRecord:
    """Read what the checks compare. A resource without the API's label is an import."""
    metadata, spec, status = item["metadata"], item["spec"], item.get("status", {})
    return ResourceRecord(
        name=metadata["name"],
        version=metadata["resourceVersion"],
        origin="api" if metadata.get("labels", {}).get(ORIGIN_LABEL) == "api" else "kubernetes",
        owner=spec.get("owner", ""),
        storage_key=spec["source"]["storageKey"],
        revision=spec.get("revision", 1),
        status_revision=status.get("revision", 0),
        phase=status.get("phase", "pending"),
        reason=status.get("reason", ""),
        annotations=metadata.get("annotations", {}),
        text=json.dumps(item, indent=1),
    )


def _event(item: Mapping[str, Any]) -> ClusterEvent:
    at = item.get("eventTime") or item.get("deprecatedLastTimestamp") or item["metadata"]["creationTimestamp"]
    return ClusterEvent(
        datetime.fromisoformat(at).timestamp(), item["regarding"]["name"], item.get("reason", ""), item.get("note", "")
    )
