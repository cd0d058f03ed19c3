"""Reads which version of the VideoUpload schema the API server serves, and waits for one that is new enough.

An older schema drops unknown fields and rejects newer values, so the operator does not start with one. The version is
in the API server's OpenAPI document, which every account may read: see
docs/decisions/0014-the-schema-says-its-version.md. The schema itself is crds/videouploads.yaml.
"""

import re
import sys
import threading
import time
from typing import Any

import structlog

from crds.client import Cluster, NotFoundError
from crds.kind import KIND, SCHEMA_VERSION, VERSION
from domain.errors import RefusedError, UpstreamError
from domain.video import GROUP
from runtime import heartbeats

log = structlog.get_logger(__name__)

APPLY = "kubectl apply --server-side --force-conflicts -f crds/videouploads.yaml"
# Of a schema from before schemas stated their version.
UNKNOWN_VERSION = 0

_VERSION_ANNOTATION = re.compile(r"\bSchema version ([0-9]{1,9})\b")
_KIND = {"group": GROUP, "version": VERSION, "kind": KIND}

_PAUSE_SECONDS = 1.0
# The OpenAPI document is updated a moment after the kind was applied.
_SETTLES_SECONDS = 5.0


def served_version(cluster: Cluster) -> int | None:
    """Return the version that the served schema states; None if the kind is not served.

    Raises UnavailableError, RefusedError.
    """
    try:
        document = cluster.request("GET", f"/openapi/v3/apis/{GROUP}/{VERSION}")
    except NotFoundError:
        return None
    schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
    for schema in schemas.values():
        if _KIND in schema.get("x-kubernetes-group-version-kind", ()):
            match = _VERSION_ANNOTATION.search(schema.get("description", ""))
            return int(match[1]) if match else UNKNOWN_VERSION
    return None


def wait_for_kind(
    cluster: Cluster, stop: threading.Event, *, process: str, settles_seconds: float = _SETTLES_SECONDS
) -> bool:
    """Wait until the API server serves a schema that is new enough; return False if ``stop`` is set first.

    If it serves an older one, exits saying that ``process`` cannot start and what to do.
    """
    refuse_at, logged = time.monotonic() + settles_seconds, ""
    while not stop.is_set():
        try:
            version = served_version(cluster)
        except RefusedError as error:
            # Some clusters hide the document. Starting unchecked is better than never starting.
            log.warning("kind_not_checked", error=str(error))
            return True
        except UpstreamError as error:
            message = str(error)
        else:
            if version is not None and version >= SCHEMA_VERSION:
                return True
            message = _mismatch(version)
            if version is not None and time.monotonic() >= refuse_at:
                sys.exit(f"{process} cannot start: {message}")
        if message != logged:
            log.warning("waiting_for_kind", error=message)
            logged = message
        heartbeats.wait(stop, _PAUSE_SECONDS)
    return False


def _mismatch(version: int | None) -> str:
    if version is None:
        return f"the API server does not serve {KIND}: {APPLY}"
    served = "a schema that does not state its version" if version == UNKNOWN_VERSION else f"schema version {version}"
    return f"the API server serves {KIND} with {served}, but version {SCHEMA_VERSION} is needed: {APPLY}"
