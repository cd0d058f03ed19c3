"""Which version of our kind's schema the API server serves, and waiting for one that is new enough.

An older schema drops fields that it does not know and refuses values that came later, upload by upload; so the
operator does not start on one. It is read from the API server's OpenAPI document, which every account may read: see
docs/decisions/0014-the-schema-says-its-version.md. What the schema holds is in crds/videouploads.yaml.
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

log = structlog.get_logger(__name__)

APPLY = "kubectl apply --server-side --force-conflicts -f crds/videouploads.yaml"
# What a schema says of itself before it said its version.
UNKNOWN_VERSION = 0

_VERSION_ANNOTATION = re.compile(r"\bSchema version ([0-9]{1,9})\b")
_KIND = {"group": GROUP, "version": VERSION, "kind": KIND}

_PAUSE_SECONDS = 1.0
# The document follows a moment after the kind was applied.
_SETTLES_SECONDS = 5.0


def served_version(cluster: Cluster) -> int | None:
    """Return the version that the served schema says it has; None where the kind is not served.

    Raises UnavailableError, RefusedError.
    """
    try:
        document = cluster.request("GET", f"/openapi/v3/apis/{GROUP}/{VERSION}")
    except NotFoundError:
        return None
    schemas: dict[str, Any] = document.get("components", {}).get("schemas", {})
    for schema in schemas.values():
        if _KIND in schema.get("x-kubernetes-group-version-kind", ()):
            said = _VERSION_ANNOTATION.search(schema.get("description", ""))
            return int(said[1]) if said else UNKNOWN_VERSION
    return None


def wait_for_kind(
    cluster: Cluster, stop: threading.Event, *, who: str, settles_seconds: float = _SETTLES_SECONDS
) -> bool:
    """Wait until the API server serves a schema that is new enough; tells whether it did before ``stop``.

    Ends the process, naming ``who`` cannot start and what is to be done, if it serves an older one.
    """
    refused_at, told = time.monotonic() + settles_seconds, ""
    while not stop.is_set():
        try:
            version = served_version(cluster)
        except RefusedError as error:
            # Some clusters hide the document. Better to start than never to.
            log.warning("kind_not_checked", why=str(error))
            return True
        except UpstreamError as error:
            trouble = str(error)
        else:
            if version is not None and version >= SCHEMA_VERSION:
                return True
            trouble = _told(version)
            if version is not None and time.monotonic() >= refused_at:
                sys.exit(f"{who} cannot start: {trouble}")
        if trouble != told:
            log.warning("waiting_for_kind", why=trouble)
            told = trouble
        stop.wait(_PAUSE_SECONDS)
    return False


def _told(version: int | None) -> str:
    if version is None:
        return f"the API server does not serve {KIND}: {APPLY}"
    served = "a schema that does not say its version" if version == UNKNOWN_VERSION else f"schema version {version}"
    return f"the API server serves {KIND} with {served}, needed is {SCHEMA_VERSION}: {APPLY}"
