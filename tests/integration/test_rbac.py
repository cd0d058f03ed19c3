"""What the chart's ServiceAccounts may do, tried with their own tokens and the Roles that Helm rendered."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from crds.client import Applied, Cluster, UploadsClient
from crds.rules import Rules
from crds.spec import wish_of
from crds.status import status_of
from crds.trouble import RefusedError
from crds.videoupload import Phase, Wish, new_video_id
from devstack.cluster import Cluster as Devcluster
from tests.unit.crds.builders import NOON, a_wish, an_observation

NAMESPACED = "/api/v1/namespaces/{namespace}"
UPLOADS = "/apis/video.uploads.dev/v1alpha1/namespaces/{namespace}/videouploads"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


@dataclass(frozen=True)
class Accounts:
    """Both accounts in the chart's namespace."""

    api: Cluster
    operator: Cluster


@pytest.fixture(scope="module")
def accounts(api_server: Devcluster, api_kubeconfig: Path, operator_kubeconfig: Path) -> Accounts:
    namespace = api_server.namespace
    return Accounts(
        api=Cluster.from_environment(namespace=namespace, kubeconfig=api_kubeconfig),
        operator=Cluster.from_environment(namespace=namespace, kubeconfig=operator_kubeconfig),
    )


def own_wish() -> Wish:
    video_id = new_video_id()
    return a_wish(video_id=video_id, storage_key=f"uploads/{video_id}/original.mp4")


def test_the_api_may_create_change_and_read_wishes(accounts: Accounts) -> None:
    uploads, wish = UploadsClient(accounts.api), own_wish()
    assert uploads.apply(wish) is Applied.APPLIED
    assert uploads.apply(wish) is Applied.APPLIED
    assert uploads.get(wish.video_id) is not None


def test_the_operator_may_do_all_that_a_pass_and_the_sweep_need(accounts: Accounts) -> None:
    uploads, wish = UploadsClient(accounts.operator), own_wish()
    assert uploads.apply(wish) is Applied.APPLIED
    resource = uploads.get(wish.video_id)
    assert resource is not None
    status = status_of(wish_of(resource), an_observation(Phase.READY), resource=resource, rules=Rules(), now=NOON)
    written = uploads.write_status(resource.name, resource_version=resource.resource_version, status=status)
    uploads.post_event(written, type="Normal", reason="Published", message="The video is playable.")
    assert any(written in page for page in uploads.pages())
    uploads.delete(written.name, uid=written.uid, resource_version=written.resource_version)


ALL_FORBIDDEN = [
    ("GET", NAMESPACED + "/secrets", "secrets"),
    ("GET", NAMESPACED + "/secrets/any", "one-secret"),
    ("GET", NAMESPACED + "/configmaps", "configmaps"),
    ("GET", NAMESPACED + "/pods", "pods"),
    ("GET", "/api/v1/namespaces", "namespaces"),
    ("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "crds"),
    ("GET", "/apis/video.uploads.dev/v1alpha1/videouploads", "uploads-everywhere"),
    ("GET", "/apis/video.uploads.dev/v1alpha1/namespaces/default/videouploads", "uploads-elsewhere"),
    ("GET", "/apis/video.uploads.dev/v1alpha1/namespaces/default/videouploads/a", "one-upload-elsewhere"),
    ("POST", NAMESPACED + "/serviceaccounts/video-uploads-operator/token", "tokens"),
    ("POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings", "more-rights"),
    ("PUT", UPLOADS + "/a", "replacing-a-wish"),
    ("DELETE", UPLOADS, "deleting-all-uploads"),
    ("PATCH", UPLOADS + "/a/status", "patching-status"),
    ("GET", LEASES, "all-leases"),
    ("GET", LEASES + "/another", "another-lease"),
    ("DELETE", LEASES + "/video-uploads-operator", "deleting-the-lease"),
]
API_FORBIDDEN = [
    ("PUT", UPLOADS + "/a/status", "writing-status"),
    ("DELETE", UPLOADS + "/a", "deleting-an-upload"),
    ("GET", UPLOADS, "listing-uploads"),
    ("POST", LEASES, "taking-the-lease"),
    ("PUT", LEASES + "/video-uploads-operator", "renewing-the-lease"),
    ("POST", "/apis/events.k8s.io/v1/namespaces/{namespace}/events", "events"),
]


@pytest.mark.parametrize(
    ("account", "method", "path"),
    [
        *(pytest.param("api", method, path, id=f"api-{what}") for method, path, what in ALL_FORBIDDEN + API_FORBIDDEN),
        *(pytest.param("operator", method, path, id=f"operator-{what}") for method, path, what in ALL_FORBIDDEN),
    ],
)
def test_everything_else_is_forbidden(accounts: Accounts, account: str, method: str, path: str) -> None:
    cluster: Cluster = getattr(accounts, account)
    patch = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body: dict[str, str] | None = None if method == "GET" else {}
    with pytest.raises(RefusedError, match="HTTP 403"):
        cluster.request(method, path.format(namespace=cluster.namespace), body=body, content_type=patch)
