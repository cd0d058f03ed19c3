"""Whether the served schema is new enough. tests/integration/test_kind_versions.py asks a real API server."""

import json
import threading
from typing import Any

import pytest

from crds.kind import SCHEMA_VERSION
from crds.schema_version import APPLY, UNKNOWN_VERSION, served_version, wait_for_kind
from domain.errors import UnavailableError
from tests.support.fakes.kube_api import FakeApi, cluster

OURS = {"group": "video.uploads.dev", "version": "v1alpha1", "kind": "VideoUpload"}
STOPPED = threading.Event()
STOPPED.set()


def document(description: str | None, **kind: str) -> FakeApi:
    """Return an API server whose OpenAPI document has our kind; ``kind`` overrides its names."""
    schema: dict[str, Any] = {"x-kubernetes-group-version-kind": [OURS | kind]}
    if description is not None:
        schema["description"] = description
    schemas = {"other": {"type": "object"}, "one": schema}
    return FakeApi(content=json.dumps({"components": {"schemas": schemas}}).encode())


def waited(api: FakeApi, stop: threading.Event | None = None) -> bool:
    return wait_for_kind(cluster(api), stop or threading.Event(), process="the operator", settles_seconds=0)


@pytest.mark.parametrize(
    ("api", "version"),
    [
        pytest.param(document("A video. Schema version 12."), 12, id="stated"),
        pytest.param(document("A video."), UNKNOWN_VERSION, id="not-stated"),
        pytest.param(document(None), UNKNOWN_VERSION, id="no-description"),
        pytest.param(document("Schema version 9.", kind="VideoUploadList"), None, id="another-kind"),
        pytest.param(document("Schema version 9.", version="v1"), None, id="another-version"),
        pytest.param(FakeApi(), None, id="an-empty-document"),
        pytest.param(FakeApi(404), None, id="no-document"),
    ],
)
def test_the_version_is_read_from_the_kinds_description(api: FakeApi, version: int | None) -> None:
    assert served_version(cluster(api)) == version


@pytest.mark.parametrize("version", [SCHEMA_VERSION, SCHEMA_VERSION + 1])
def test_the_same_or_a_newer_schema_lets_the_process_start(version: int) -> None:
    assert waited(document(f"Schema version {version}."))


@pytest.mark.parametrize(
    ("description", "served"),
    [
        (f"Schema version {SCHEMA_VERSION - 1}.", f"schema version {SCHEMA_VERSION - 1}"),
        ("A video.", "a schema that does not state its version"),
    ],
)
def test_an_older_schema_ends_the_process_with_the_command_to_run(description: str, served: str) -> None:
    with pytest.raises(SystemExit) as ended:
        waited(document(description))
    assert ended.value.code == (
        f"the operator cannot start: the API server serves VideoUpload with {served}, "
        f"but version {SCHEMA_VERSION} is needed: {APPLY}"
    )


def test_a_forbidden_document_does_not_prevent_the_start() -> None:
    assert waited(FakeApi(403))


class Recovering(FakeApi):
    """First has no kind, then does not respond, then serves the needed schema."""

    def call_api(self, **_: Any) -> FakeApi:
        self.calls += 1
        if self.calls == 2:
            raise UnavailableError("no answer")
        return FakeApi(404) if self.calls == 1 else document(f"Schema version {SCHEMA_VERSION}.")


def test_the_process_waits_for_a_missing_kind_and_a_missing_response(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crds.schema_version._PAUSE_SECONDS", 0)
    api = Recovering()
    assert waited(api)
    assert api.calls == 3


def test_a_stopped_process_makes_no_call() -> None:
    api = FakeApi()
    assert not waited(api, STOPPED)
    assert api.calls == 0
