"""The chart's support Role on a real API server, as a ServiceAccount that has nothing else: it reads and annotates."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.cluster import CHART, RELEASE, ClusterAdmin
from devstack.server import PartFailedError
from domain.video import (
    ORIGIN_LABEL,
    PAUSED_ANNOTATION,
    RECONCILE_REQUESTED_ANNOTATION,
    RETRY_REQUESTED_ANNOTATION,
    new_video_id,
)
from tests.integration.charted import MINIMAL, Manifest, helm, only, rendered
from tests.integration.kube_rights import EVERYBODYS, VERBS, AccountClient, kinds_of, pairs
from tests.support.builders.resources import SIGNATURES, a_resource
from tests.support.builders.rows import a_desired_state
from tests.support.eventually import eventually

SUPPORT, IMPORTER = "support", "importer"
READS = ("get", "list", "watch")
STATUS = {"status": {"observedGeneration": 9, "phase": "ready"}}


def rights_of_release(namespace: str, *more: str) -> list[Manifest]:
    """Return the policy and the support Role of a release, bound to a ServiceAccount."""
    subject = {"kind": "ServiceAccount", "name": SUPPORT, "namespace": namespace}
    values = yaml.safe_dump({"supportRole": {"create": True, "subjects": [subject]}})
    arguments = [f"--namespace={namespace}", f"--values={MINIMAL}", "--values=-", *more]
    done = helm("template", RELEASE, str(CHART), *arguments, stdin=values)
    assert done.returncode == 0, done.stderr
    documents = [document for document in yaml.safe_load_all(done.stdout) if document]
    is_wanted = ("-support", "-video-uploads")
    return [document for document in documents if document["metadata"]["name"].endswith(is_wanted)]


class SupportDesk:
    """A namespace with the policy in force, an upload of the API and an import, and support's ServiceAccount."""

    def __init__(self, api_server: ClusterAdmin, namespace: str, kubeconfig: Path) -> None:
        self.admin = ClusterAdmin(api_server.admin_kubeconfig, namespace)
        self.kubeconfig = kubeconfig
        api = f"system:serviceaccount:{namespace}:{RELEASE}-api"
        for user in (api, IMPORTER):
            self.admin.kubectl(
                "create", "rolebinding", user.rpartition(":")[2], "--clusterrole=cluster-admin", f"--user={user}"
            )
        self.admin.kubectl("create", "serviceaccount", SUPPORT)
        self.admin.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(rights_of_release(namespace)))
        self.admin.write_account_kubeconfig(kubeconfig, account=SUPPORT)
        self.upload, self.imported = self._upload(api), self._import()
        self._support = ClusterAdmin(kubeconfig, namespace)
        # A policy is in force some moments after it is stored, and so is a binding.
        eventually(self._refuses_a_title)

    def _refuses_a_title(self) -> bool:
        # A title that is stored before the policy is in force would make each later patch a no-op, which it allows.
        answer = self.patch(self.upload, {"spec": {"title": "Mine"}}, "--dry-run=server")
        assert "can only annotate" in answer, answer or "the API server took the title"
        return True

    def _upload(self, user: str) -> str:
        name = new_video_id()
        resource = a_resource(a_desired_state(video_id=name, storage_key=f"uploads/{name}/original.mp4"))
        signature = SIGNATURES.of_spec(name, resource.spec)
        return self._created(
            user, name, resource.spec, dict(resource.labels), {"video.uploads.dev/signature": signature}
        )

    def _import(self) -> str:
        spec = {"source": {"storageKey": f"imports/{self.admin.namespace}/a.mov"}, "title": "Launch"}
        return self._created(IMPORTER, "launch", spec, {"team": "films"}, {})

    def _created(self, user: str, name: str, spec: Any, labels: dict[str, str], annotations: dict[str, str]) -> str:
        metadata = {"name": name, "namespace": self.admin.namespace, "labels": labels, "annotations": annotations}
        body = {"apiVersion": "video.uploads.dev/v1alpha1", "kind": "VideoUpload", "metadata": metadata, "spec": spec}
        self.admin.kubectl(f"--as={user}", "create", "--filename=-", stdin=json.dumps(body))
        return name

    def run(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as support; return what the API server refuses it with, empty if it does not."""
        try:
            self._support.kubectl(*arguments, stdin=stdin)
        except PartFailedError as error:
            return str(error)
        return ""

    def patch(self, name: str, patch: Any, *options: str) -> str:
        """Patch a resource as support."""
        return self.run("patch", "videoupload", name, "--type=merge", f"--patch={json.dumps(patch)}", *options)

    def show(self, name: str) -> dict[str, Any]:
        """Return a resource."""
        shown: dict[str, Any] = json.loads(self.admin.kubectl("get", "videoupload", name, "--output=json"))
        return shown

    def name_of(self, kind: str) -> str:
        """Return the upload of the API, or the import."""
        return self.upload if kind == "upload" else self.imported


@pytest.fixture(scope="module")
def desk(api_server: ClusterAdmin, tmp_path_factory: pytest.TempPathFactory) -> SupportDesk:
    own = ClusterAdmin(api_server.admin_kubeconfig, f"desk-{new_video_id()}")
    own.create_namespace()
    return SupportDesk(api_server, own.namespace, tmp_path_factory.mktemp("desk") / "kubeconfig")


both = pytest.mark.parametrize("kind", ["upload", "import"])


def test_support_may_read_and_patch_uploads_and_nothing_else(desk: SupportDesk, tmp_path: Path) -> None:
    caller = AccountClient(desk.kubeconfig, tmp_path)
    admin = AccountClient(desk.admin.admin_kubeconfig, tmp_path)
    granted = {
        (str(kind), verb)
        for kind in kinds_of(admin)
        for verb in VERBS
        if caller.may(verb, kind, namespace=desk.admin.namespace)
    }
    stated = {
        "video.uploads.dev/videouploads": (*READS, "patch"),
        "events": READS,
        "events.k8s.io/events": READS,
    }
    assert granted == pairs(stated) | pairs(EVERYBODYS)


@both
def test_support_reads(desk: SupportDesk, kind: str) -> None:
    assert desk.run("get", "videoupload", desk.name_of(kind)) == ""
    assert desk.run("describe", "videoupload", desk.name_of(kind)) == ""


@both
@pytest.mark.parametrize("annotation", [PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION])
def test_support_pauses_retries_and_wakes(desk: SupportDesk, kind: str, annotation: str) -> None:
    name = desk.name_of(kind)
    for text in ("true", "again"):
        assert desk.run("annotate", "--overwrite", "videoupload", name, f"{annotation}={text}") == ""
    assert desk.show(name)["metadata"]["annotations"][annotation] == "again"
    assert desk.run("annotate", "videoupload", name, f"{annotation}-") == ""


@both
@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"spec": {"owner": "thief", "revision": 50}}, id="the-owner"),
        pytest.param({"spec": {"title": "Mine"}}, id="the-title"),
        pytest.param({"spec": {"deleted": True}}, id="a-deletion"),
        pytest.param({"spec": {"edition": 2}}, id="another-edition"),
        pytest.param({"spec": {"source": {"storageKey": "uploads/another/original.mp4"}}}, id="another-file"),
        pytest.param({"metadata": {"labels": {ORIGIN_LABEL: "api"}}, "spec": {"revision": 50}}, id="the-apis-label"),
        pytest.param({"metadata": {"labels": {ORIGIN_LABEL: "kubernetes"}}}, id="an-imports-label"),
        pytest.param({"metadata": {"labels": {ORIGIN_LABEL: None, "team": None}}}, id="no-label"),
        pytest.param({"metadata": {"labels": {"mine": "yes"}}}, id="another-label"),
        pytest.param({"metadata": {"annotations": {"video.uploads.dev/signature": "v1=00"}}}, id="the-signature"),
        pytest.param({"metadata": {"annotations": {"mine": "yes"}}}, id="another-annotation"),
        pytest.param({"metadata": {"finalizers": ["example.com/mine"]}}, id="a-finalizer"),
        pytest.param(
            {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "u"}]}},
            id="an-owner-to-be-collected-with",
        ),
    ],
)
def test_support_changes_nothing_else(desk: SupportDesk, kind: str, patch: dict[str, Any]) -> None:
    name = desk.name_of(kind)
    before = desk.show(name)
    refusal = desk.patch(name, patch)
    assert "denied request" in refusal or "is invalid" in refusal  # by the policy, or by the CRD before it
    assert desk.show(name) == before


@both
def test_support_writes_no_status_and_creates_and_deletes_nothing(desk: SupportDesk, kind: str) -> None:
    name = desk.name_of(kind)
    shown = desk.show(name)
    assert "videouploads/status" in desk.patch(name, STATUS, "--subresource=status")
    assert "denied request" in desk.run(
        "apply", "--server-side", "--force-conflicts", "--filename=-",
        stdin=json.dumps({**_identity(shown), "spec": {**shown["spec"], "title": "Mine"}}),
    )  # fmt: skip
    fresh = {**_identity(shown), "spec": shown["spec"]}
    fresh["metadata"]["name"] = "fresh"
    assert "cannot create" in desk.run("create", "--filename=-", stdin=json.dumps(fresh))
    assert "cannot delete" in desk.run("delete", "videoupload", name)
    assert desk.show(name) == shown


def _identity(shown: dict[str, Any]) -> dict[str, Any]:
    metadata = {field: shown["metadata"][field] for field in ("name", "namespace", "labels")}
    return {"apiVersion": shown["apiVersion"], "kind": shown["kind"], "metadata": metadata}


def test_without_the_policy_the_role_only_reads() -> None:
    documents = rights_of_release("films", "--set=admissionPolicy.enabled=false")
    assert only(documents, "Role")["rules"][0]["verbs"] == list(READS)


def test_the_support_role_does_not_exist_by_default() -> None:
    names = {document["metadata"]["name"] for document in rendered("r", values=MINIMAL)}
    assert not {name for name in names if name.endswith("-support")}
