"""The client on a real API server: applying desired states, writing statuses, deleting exactly what was read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crds.client import Cluster, UploadsClient
from crds.events import ResourceEvent
from crds.resource import Resource
from crds.spec import API_VERSION, desired_state_of
from crds.status import observed_of
from devstack.cluster import ClusterAdmin
from devstack.ports import HOST, Ports
from domain.errors import ConflictError, RefusedError, UnavailableError
from domain.video import DesiredState, ObservedState, Phase, new_video_id
from tests.support.builders.resources import SIGNATURES, a_status
from tests.support.builders.rows import a_desired_state, an_observation

PLAYS = an_observation(Phase.READY)


@pytest.fixture
def uploads(api_server: ClusterAdmin, kube_namespace: str) -> UploadsClient:
    """The client, as administrator in a namespace of this test's own."""
    return UploadsClient.from_environment(
        namespace=kube_namespace, signatures=SIGNATURES, kubeconfig=api_server.admin_kubeconfig
    )


@pytest.fixture
def own(api_server: ClusterAdmin, kube_namespace: str) -> ClusterAdmin:
    """Kubectl in the same namespace."""
    return ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)


def own_desired_state() -> DesiredState:
    video_id = new_video_id()
    return a_desired_state(video_id=video_id, storage_key=f"uploads/{video_id}/original.mp4")


def stored(uploads: UploadsClient, desired: DesiredState) -> Resource:
    resource = uploads.get(desired.video_id)
    assert resource is not None
    return resource


def applied(uploads: UploadsClient, desired: DesiredState) -> Resource:
    assert uploads.apply(desired) is not None
    return stored(uploads, desired)


def written(
    uploads: UploadsClient, resource: Resource, observed: ObservedState, *, at: datetime | None = None
) -> Resource:
    status = a_status(desired_state_of(resource), observed, resource=resource, now=at or datetime.now(UTC))
    return uploads.write_status(resource, status)


def test_a_desired_state_becomes_a_resource_and_can_be_read_back(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    resource = applied(uploads, desired)
    assert desired_state_of(resource) == desired
    assert resource.status is None


@pytest.mark.parametrize(
    "text",
    [
        "Cats \U0001f63a film",
        "\u00e9\u4e2d\u05d0",
        "a: b # c",
        "- 'quoted' \"twice\" \\n",
        "{{x}} %s ${y}",
        "\u2028\u0085",
    ],
    ids=["beyond-the-basic-plane", "letters", "yaml", "quotes", "templates", "line-separators"],
)
def test_a_title_and_a_filename_arrive_as_they_were_written(uploads: UploadsClient, text: str) -> None:
    desired = replace(own_desired_state(), title=text, filename=f"{text}.mp4")
    assert desired_state_of(applied(uploads, desired)) == desired


def test_an_unknown_resource_is_none(uploads: UploadsClient) -> None:
    assert uploads.get("nothing") is None


def test_applying_the_same_desired_state_again_writes_nothing(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    before = written(uploads, applied(uploads, desired), PLAYS)
    assert applied(uploads, desired).resource_version == before.resource_version


def test_a_newer_desired_state_replaces_the_spec_and_drops_absent_fields(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    applied(uploads, desired)
    newer = replace(desired, revision=2, title="Another", declared_bytes=None)
    assert desired_state_of(applied(uploads, newer)) == newer


def test_an_older_desired_state_is_reported_as_older_and_changes_nothing(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    newer = applied(uploads, replace(desired, revision=2, title="Newer"))
    assert uploads.apply(desired) is None
    assert stored(uploads, desired) == newer


def test_an_older_desired_state_that_breaks_other_rules_is_still_reported_as_older(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    applied(uploads, replace(desired, revision=2, edition=2, confirmations=1))
    assert uploads.apply(desired) is None


def test_a_desired_state_that_breaks_a_rule_is_refused(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    applied(uploads, desired)
    with pytest.raises(RefusedError, match=r"spec\.source cannot change"):
        uploads.apply(replace(desired, revision=2, region="elsewhere"))


def test_the_desired_state_overrides_a_manual_edit_and_keeps_foreign_labels(
    uploads: UploadsClient, own: ClusterAdmin
) -> None:
    desired = own_desired_state()
    applied(uploads, desired)
    own.kubectl("label", "vu", desired.video_id, "team=red")
    own.kubectl("patch", "vu", desired.video_id, "--type=merge", '--patch={"spec":{"title":"by hand"}}')
    resource = applied(uploads, desired)
    assert resource.spec["title"] == desired.title
    assert resource.labels["team"] == "red"


def test_spec_and_status_have_one_field_manager_each(uploads: UploadsClient, own: ClusterAdmin) -> None:
    resource = applied(uploads, own_desired_state())
    written(uploads, resource, PLAYS)
    path = "--output=jsonpath={range .metadata.managedFields[*]}{.manager}/{.operation}/{.subresource} {end}"
    managers = own.kubectl("get", "vu", resource.name, "--show-managed-fields", path).split()
    assert managers == ["desired/Apply/", "video-uploads-operator/Update/status"]


def test_an_observation_becomes_the_status_and_can_be_read_back(uploads: UploadsClient) -> None:
    resource = written(uploads, applied(uploads, own_desired_state()), PLAYS)
    assert resource.status is not None
    assert observed_of(resource.status) == PLAYS


def test_a_status_is_replaced_whole(uploads: UploadsClient) -> None:
    failed = written(uploads, applied(uploads, own_desired_state()), an_observation(Phase.ERRORED))
    assert failed.status is not None
    assert "failure" in failed.status
    retried = written(uploads, failed, an_observation(Phase.UPLOADED, revision=2))
    assert retried.status is not None
    assert "failure" not in retried.status


def test_an_idle_pass_has_nothing_to_write(uploads: UploadsClient) -> None:
    noon = datetime.now(UTC)
    resource = written(uploads, applied(uploads, own_desired_state()), PLAYS, at=noon)
    later = a_status(desired_state_of(resource), PLAYS, resource=resource, now=noon + timedelta(hours=1))
    assert later == resource.status
    again = uploads.write_status(resource, later)
    assert again.resource_version == resource.resource_version


def test_a_status_on_top_of_a_newer_version_is_a_conflict(uploads: UploadsClient) -> None:
    seen = applied(uploads, own_desired_state())
    newest = written(uploads, seen, PLAYS)
    with pytest.raises(ConflictError):
        written(uploads, seen, an_observation(Phase.ERRORED, revision=2))
    assert uploads.get(seen.name) == newest


def test_a_status_for_a_spec_that_changed_meanwhile_is_a_conflict(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    seen = applied(uploads, desired)
    uploads.apply(replace(desired, revision=2, retries=1))
    with pytest.raises(ConflictError):
        written(uploads, seen, an_observation(Phase.ERRORED))


def test_an_older_observation_is_refused_even_on_the_newest_version(uploads: UploadsClient) -> None:
    resource = written(uploads, applied(uploads, own_desired_state()), replace(PLAYS, revision=7))
    with pytest.raises(RefusedError, match=r"status\.revision is older"):
        written(uploads, resource, replace(PLAYS, revision=6))


def test_only_the_version_that_was_read_is_deleted(uploads: UploadsClient) -> None:
    seen = applied(uploads, own_desired_state())
    newest = written(uploads, seen, PLAYS)
    with pytest.raises(ConflictError):
        uploads.delete(seen.name, uid=seen.uid, resource_version=seen.resource_version)
    uploads.delete(newest.name, uid=newest.uid, resource_version=newest.resource_version)
    assert uploads.get(seen.name) is None


def test_a_successor_of_the_same_name_is_neither_deleted_nor_written(uploads: UploadsClient) -> None:
    desired = own_desired_state()
    first = applied(uploads, desired)
    uploads.delete(first.name, uid=first.uid, resource_version=first.resource_version)
    second = applied(uploads, desired)
    with pytest.raises(ConflictError):
        uploads.delete(first.name, uid=first.uid, resource_version=second.resource_version)
    with pytest.raises(ConflictError):
        written(uploads, first, PLAYS)


def test_deleting_a_missing_resource_succeeds_and_writing_its_status_is_a_conflict(uploads: UploadsClient) -> None:
    resource = applied(uploads, own_desired_state())
    for _ in range(2):
        uploads.delete(resource.name, uid=resource.uid, resource_version=resource.resource_version)
    with pytest.raises(ConflictError):
        written(uploads, resource, PLAYS)


@pytest.mark.parametrize(("count", "sizes"), [(0, [0]), (3, [3]), (4, [3, 1]), (6, [3, 3])])
def test_a_listing_is_read_page_by_page(uploads: UploadsClient, count: int, sizes: list[int]) -> None:
    made = {applied(uploads, own_desired_state()).name for _ in range(count)}
    pages = list(uploads.pages(page_size=3))
    assert [len(page) for page in pages] == sizes
    assert {resource.name for page in pages for resource in page} == made


def test_an_event_shows_in_describe(uploads: UploadsClient, own: ClusterAdmin) -> None:
    resource = applied(uploads, own_desired_state())
    message = "the job is gone " * 999
    event = ResourceEvent.about(resource, type="Warning", reason="JobLost", message=message, at=datetime.now(UTC))
    uploads.post_event(event)
    with pytest.raises(ConflictError):
        uploads.post_event(event)
    assert "the job is gone" in own.kubectl("describe", "vu", resource.name)


def test_an_unreachable_api_server_is_unavailable(ports: Ports, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(f"""
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://{HOST}:{ports.of("nobody")}"}}}}]
contexts: [{{name: c, context: {{cluster: c}}}}]
current-context: c
""")
    uploads = UploadsClient.from_environment(namespace="n", signatures=SIGNATURES, kubeconfig=kubeconfig)
    calls: list[Callable[[], object]] = [lambda: uploads.apply(own_desired_state()), lambda: uploads.get("a")]
    for call in calls:
        with pytest.raises(UnavailableError, match="no answer"):
            call()


def test_a_missing_kubeconfig_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="connecting to Kubernetes"):
        UploadsClient.from_environment(namespace="n", signatures=SIGNATURES, kubeconfig=tmp_path / "nothing")


def test_outside_a_pod_a_kubeconfig_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(RefusedError, match="connecting to Kubernetes"):
        Cluster.from_environment(namespace="n")


def test_a_listing_that_outlives_its_snapshot_is_a_conflict(uploads: UploadsClient, own: ClusterAdmin) -> None:
    cluster = Cluster.from_environment(namespace=own.namespace, kubeconfig=own.admin_kubeconfig)
    path = f"/apis/{API_VERSION}/namespaces/{own.namespace}/videouploads"
    for _ in range(2):
        uploads.apply(own_desired_state())
    with pytest.raises(RefusedError, match="continue"):
        cluster.request("GET", path, query={"limit": 1, "continue": "forged"})
