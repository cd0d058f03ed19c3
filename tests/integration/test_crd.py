"""The kind on a real API server: its rules for changes, and its columns in kubectl.

The bounds of single fields are in test_crd_bounds.py.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crds.client import Cluster, UploadsClient
from crds.kind import KIND
from crds.resource import Resource
from crds.spec import API_VERSION, desired_state_of
from devstack.cluster import ClusterAdmin
from domain.errors import RefusedError
from domain.video import DesiredState, ObservedState, Origin, Phase, Reason, new_video_id
from tests.integration.kube_bounds import ABSENT, with_value
from tests.support.builders.resources import SIGNATURES, a_status
from tests.support.builders.rows import a_desired_state, a_failure, an_observation


class Tried:
    """A resource of its own, to change field by field."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.uploads = UploadsClient(cluster, SIGNATURES)
        self.name = new_video_id()
        self.path = f"/apis/{API_VERSION}/namespaces/{cluster.namespace}/videouploads"

    def create(self, spec: dict[str, Any]) -> Resource:
        """Store a resource with this spec and nothing else."""
        self.cluster.request("POST", self.path, body=self._body({"name": self.name}, spec=spec))
        return self.resource

    def set_spec(self, path: str, value: Any) -> None:
        """Replace the spec with one field changed."""
        found = self.resource
        metadata = {"name": self.name, "resourceVersion": found.resource_version}
        body = self._body(metadata, spec=with_value({"spec": dict(found.spec)}, path, value)["spec"])
        self.cluster.request("PUT", f"{self.path}/{self.name}", body=body)

    def write_status(self, status: Any) -> None:
        """Replace the status."""
        self.uploads.write_status(self.resource, status, is_signed=False)

    def set_status(self, path: str, value: Any) -> None:
        """Replace the status with one field changed."""
        assert self.resource.status is not None
        self.write_status(with_value({"status": dict(self.resource.status)}, path, value)["status"])

    @property
    def resource(self) -> Resource:
        """The resource as it is now."""
        found = self.uploads.get(self.name)
        assert found is not None
        return found

    def _body(self, metadata: dict[str, str], **part: Any) -> dict[str, Any]:
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, **part}


@pytest.fixture
def tried(api_server: ClusterAdmin) -> Tried:
    return Tried(Cluster.from_environment(namespace=api_server.namespace, kubeconfig=api_server.admin_kubeconfig))


SOURCE_IS_FIXED = "spec.source cannot change"


@pytest.mark.parametrize(
    ("path", "old", "new", "refusal"),
    [
        pytest.param(".spec.source.storageKey", "imports/a/b", "imports/a/c", SOURCE_IS_FIXED, id="another-file"),
        pytest.param(".spec.source.region", "tor1", "ams3", SOURCE_IS_FIXED, id="another-region"),
        pytest.param(".spec.revision", 2, 1, "spec.revision is older", id="older-revision"),
        pytest.param(".spec.revision", 2, ABSENT, "spec.revision is older", id="revision-dropped"),
        pytest.param(".spec.revision", 2, 2, None, id="same-revision"),
        pytest.param(".spec.revision", 2, 9, None, id="newer-revision"),
        pytest.param(".spec.edition", 2, 1, "spec.edition never falls", id="earlier-edition"),
        pytest.param(".spec.edition", 2, 3, None, id="next-edition"),
        pytest.param(".spec.retries", 1, 0, "spec.retries never falls", id="fewer-retries"),
        pytest.param(".spec.retries", 1, 2, None, id="one-more-retry"),
        pytest.param(".spec.confirmations", 1, 0, "spec.confirmations never falls", id="fewer-confirmations"),
        pytest.param(".spec.confirmations", 1, 2, None, id="one-more-confirmation"),
        pytest.param(".spec.title", "old", "new", None, id="another-title"),
        pytest.param(".spec.declaredBytes", 5, ABSENT, None, id="size-no-longer-declared"),
        pytest.param(".spec.deleted", True, False, None, id="restored"),
        ("spec.visibility", "private", "private", None),
        ("spec.visibility", "private", "public", None),
        ("spec.visibility", "private", ABSENT, None),
        ("spec.visibility", ABSENT, "private", None),
        pytest.param(".spec.deletionPolicy", "retain", "delete", None, id="no-longer-retained"),
        pytest.param(".spec.deletionPolicy", ABSENT, "retain", None, id="retained-from-now-on"),
        pytest.param(".spec.deletionPolicy", "retain", "orphan", "Unsupported value", id="another-policy"),
    ],
)
def test_how_a_spec_may_change(tried: Tried, path: str, old: Any, new: Any, refusal: str | None) -> None:
    tried.create(with_value({"spec": {"source": {"storageKey": "imports/a/b"}}}, path, old)["spec"])
    if refusal is None:
        tried.set_spec(path, new)
    else:
        with pytest.raises(RefusedError, match=refusal):
            tried.set_spec(path, new)


def test_only_an_import_may_outlive_its_resource(tried: Tried) -> None:
    with pytest.raises(RefusedError, match="only imports have a deletionPolicy"):
        tried.create({"source": {"storageKey": "uploads/a/b"}, "deletionPolicy": "retain"})
    tried.create({"source": {"storageKey": "imports/a/b"}, "deletionPolicy": "retain"})


def running(**changes: Any) -> dict[str, Any]:
    """Return the status of an upload whose second attempt runs."""
    observed = an_observation(Phase.PROCESSING, revision=5, attempt=2, **changes)
    resource = Resource("n", "n", "u", "1", 1)
    return a_status(a_desired_state(), observed, resource=resource)


JOB_IS_FIXED = "another job is another attempt"


@pytest.mark.parametrize(
    ("old", "path", "new", "refusal"),
    [
        pytest.param(running(), ".status.revision", 4, "status.revision is older", id="older-revision"),
        pytest.param(running(), ".status.revision", 5, None, id="same-revision"),
        pytest.param(running(), ".status.revision", 6, None, id="newer-revision"),
        pytest.param(running(), ".status.work.attempt", 1, "attempts are counted", id="attempts-restart"),
        pytest.param(running(), ".status.work.jobId", "j1", None, id="job-becomes-known"),
        pytest.param(running(job_id="j1"), ".status.work.jobId", "j2", JOB_IS_FIXED, id="another-job"),
        pytest.param(running(job_id="j1"), ".status.work.jobId", ABSENT, JOB_IS_FIXED, id="job-forgotten"),
        pytest.param(running(job_id="j1"), ".status.work.jobId", "j1", None, id="same-job"),
        pytest.param(running(job_id="j1"), ".status.work.attempt", 3, None, id="same-job-next-attempt"),
        pytest.param(running(), ".status.observedGeneration", -1, "cannot be removed", id="unwritten-again"),
        pytest.param(running(), ".status.phase", "errored", None, id="another-phase"),
    ],
)
def test_how_a_status_may_change(tried: Tried, old: Any, path: str, new: Any, refusal: str | None) -> None:
    tried.create({"source": {"storageKey": "imports/a/b"}})
    tried.write_status(old)
    if refusal is None:
        tried.set_status(path, new)
    else:
        with pytest.raises(RefusedError, match=refusal):
            tried.set_status(path, new)


def test_the_next_attempt_may_have_another_job_or_none_yet(tried: Tried) -> None:
    tried.create({"source": {"storageKey": "imports/a/b"}})
    tried.write_status(running(job_id="j1"))
    without = running()
    without["work"]["attempt"] = 3
    tried.write_status(without)
    tried.set_status(".status.work.jobId", "j2")


def test_a_written_status_cannot_be_removed(tried: Tried) -> None:
    tried.create({"source": {"storageKey": "imports/a/b"}})
    tried.write_status(running())
    with pytest.raises(RefusedError, match="cannot be removed"):
        tried.write_status(None)


def test_a_resource_cannot_name_the_original_of_another_video(tried: Tried) -> None:
    with pytest.raises(RefusedError, match="belong to the video of the same name"):
        tried.create({"source": {"storageKey": f"uploads/{new_video_id()}/original.mp4"}})
    tried.create({"source": {"storageKey": f"uploads/{tried.name}/original.mp4"}})


def test_an_import_needs_its_storage_key_only(tried: Tried) -> None:
    resource = tried.create({"source": {"storageKey": "imports/films/launch film.mov"}})
    desired = desired_state_of(resource)
    assert desired == DesiredState(
        video_id=tried.name, revision=1, origin=Origin.KUBERNETES, owner="", title="", filename="", content_type="",
        declared_bytes=None, upload_mode=desired.upload_mode, region="", storage_key="imports/films/launch film.mov",
    )  # fmt: skip
    assert resource.status is None


def test_an_import_is_named_by_a_dns_label(tried: Tried) -> None:
    tried.name = "launch.film"
    with pytest.raises(RefusedError, match=r"metadata\.name"):
        tried.create({"source": {"storageKey": "imports/a/b"}})
    tried.name = f"launch-film-{new_video_id()}"
    tried.create({"source": {"storageKey": "imports/a/b"}})


def test_a_status_in_a_create_is_ignored(tried: Tried) -> None:
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": tried.name}, "status": running()}
    tried.cluster.request("POST", tried.path, body=body | {"spec": {"source": {"storageKey": "imports/a/b"}}})
    assert tried.resource.status is None


@pytest.fixture
def own(api_server: ClusterAdmin, kube_namespace: str) -> ClusterAdmin:
    """Kubectl in a namespace of this test's own."""
    return ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)


def publish(own: ClusterAdmin, desired: DesiredState, observed: ObservedState | None) -> None:
    """Store a resource with a desired state, and its status."""
    uploads = UploadsClient(
        Cluster.from_environment(namespace=own.namespace, kubeconfig=own.admin_kubeconfig), SIGNATURES
    )
    uploads.apply(desired)
    resource = uploads.get(desired.video_id)
    if observed is not None and resource is not None:
        status = a_status(desired, observed, resource=resource, now=datetime.now(UTC))
        uploads.write_status(resource, status)


def desired_state_named(name: str, **changes: Any) -> DesiredState:
    return a_desired_state(video_id=name, storage_key=f"uploads/{name}/original.mp4", **changes)


def test_how_uploads_look_in_a_terminal(own: ClusterAdmin) -> None:
    later = datetime(2126, 7, 1, 12, tzinfo=UTC) + timedelta(microseconds=1)
    publish(own, desired_state_named("a-new"), None)
    publish(own, desired_state_named("b-waits"), an_observation(Phase.UPLOADING, deadline_at=later))
    job = {"attempt": 1, "job_id": "S9BkOufdntiPR9", "progress_percent": 40, "deadline_at": later}
    publish(own, desired_state_named("c-runs", owner="user-2"), an_observation(Phase.PROCESSING, **job))
    publish(own, desired_state_named("d-plays"), an_observation(Phase.READY, attempt=1))
    publish(own, desired_state_named("e-failed"), an_observation(Phase.ERRORED, attempt=3))
    seen = [row.split() for row in own.kubectl("get", "vu").splitlines()]
    deadline = "2126-07-01T12:00:00Z"
    assert seen[0] == ["NAME", "PHASE", "PROGRESS", "ATTEMPT", "REASON", "DEADLINE", "AGE"]
    assert [row[:-1] for row in seen[1:]] == [
        ["a-new", "pending"],
        ["b-waits", "uploading", "0", "WaitingForFile", deadline],
        ["c-runs", "processing", "40%", "1", "Transcoding", deadline],
        ["d-plays", "ready", "100%", "1", "Published"],
        ["e-failed", "errored", "3", "TranscodeFailed"],
    ]
    wide = own.kubectl("get", "vu", "c-runs", "--output=wide").splitlines()
    assert wide[0].split()[-4:] == ["OWNER", "JOB", "PROFILE", "HASH"]
    assert wide[1].split()[-3:] == ["user-2", "S9BkOufdntiPR9", "hls-1080p"]


def names(own: ClusterAdmin, *arguments: str) -> list[str]:
    return own.kubectl("get", *arguments, "--output=name").split()


def test_uploads_can_be_selected_by_phase_reason_and_owner(own: ClusterAdmin) -> None:
    publish(own, desired_state_named("errs"), an_observation(Phase.ERRORED))
    publish(own, desired_state_named("plays", owner="user-2"), an_observation(Phase.READY))
    errs, plays = "videoupload.video.uploads.dev/errs", "videoupload.video.uploads.dev/plays"
    assert names(own, "vu", "--field-selector=status.phase=errored") == [errs]
    assert names(own, "vu", "--field-selector=status.reason=TranscodeFailed") == [errs]
    assert names(own, "videouploads", "--field-selector=spec.owner=user-2") == [plays]
    assert names(own, "video") == [errs, plays]


def test_kubectl_can_wait_until_a_video_is_ready(own: ClusterAdmin) -> None:
    publish(own, desired_state_named("plays"), an_observation(Phase.READY))
    assert "condition met" in own.kubectl("wait", "--for=condition=Ready", "vu/plays", "--timeout=5s")


def test_kubectl_can_wait_until_a_video_has_failed(own: ClusterAdmin) -> None:
    failed = replace(an_observation(Phase.ERRORED), failure=a_failure(), reason=Reason.FAILED)
    publish(own, desired_state_named("errs"), failed)
    assert "condition met" in own.kubectl("wait", "--for=condition=Stalled", "vu/errs", "--timeout=5s")


def test_kubectl_explains_the_fields(own: ClusterAdmin) -> None:
    assert "Where the original is" in own.kubectl("explain", "vu.spec.source")
