"""The chart's admission policy on a real API server: who may write what of a VideoUpload."""

import json
import secrets
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
from tests.integration.charted import MINIMAL, helm
from tests.support.builders.resources import SIGNATURES, a_resource
from tests.support.builders.rows import a_desired_state
from tests.support.eventually import eventually

BACKUP = "backup"
PATCH_SPEC = {"spec": {"title": "Mine", "revision": 50}}


class Namespace:
    """A namespace with the policy in force. Every user may write everything there, as far as RBAC goes."""

    def __init__(self, own: ClusterAdmin) -> None:
        self.own = own
        self.operator, self.api = (
            f"system:serviceaccount:{own.namespace}:{RELEASE}-{process}" for process in ("operator", "api")
        )
        own.kubectl("create", "rolebinding", "all", "--clusterrole=cluster-admin", "--group=system:authenticated")
        arguments = [f"--namespace={own.namespace}", f"--values={MINIMAL}", "--show-only=templates/admission.yaml"]
        done = helm("template", RELEASE, *arguments_of_chart(), *arguments)
        assert done.returncode == 0, done.stderr
        own.kubectl("apply", "--filename=-", stdin=done.stdout)

    def run(self, user: str, *arguments: str, body: Any = None) -> str:
        """Run kubectl as a user; return what the API server refuses it with, empty if it does not."""
        stdin = "" if body is None else json.dumps(body)
        try:
            self.own.kubectl(f"--as={user}", "--as-group=system:authenticated", *arguments, stdin=stdin)
        except PartFailedError as error:
            return str(error)
        return ""

    def patch(self, user: str, name: str, patch: Any, *options: str) -> str:
        """Patch a resource."""
        return self.run(user, "patch", "videoupload", name, "--type=merge", f"--patch={json.dumps(patch)}", *options)


def arguments_of_chart() -> list[str]:
    return [str(CHART), f"--set=admissionPolicy.additionalWriters={{{BACKUP}}}"]


@pytest.fixture
def guarded(api_server: ClusterAdmin, kube_namespace: str) -> Namespace:
    made = Namespace(ClusterAdmin(api_server.admin_kubeconfig, kube_namespace))
    # A policy is in force some moments after it is stored.
    eventually(lambda: made.run("stranger", "create", "--dry-run=server", "--filename=-", body=an_upload(made)))
    return made


def an_upload(guarded: Namespace, **changes: Any) -> dict[str, Any]:
    name = new_video_id()
    resource = a_resource(a_desired_state(video_id=name, storage_key=f"uploads/{name}/original.mp4"), **changes)
    return {
        "apiVersion": "video.uploads.dev/v1alpha1",
        "kind": "VideoUpload",
        "metadata": {"name": name, "namespace": guarded.own.namespace, "labels": dict(resource.labels)},
        "spec": dict(resource.spec),
    }


def an_import(guarded: Namespace) -> dict[str, Any]:
    body = an_upload(guarded)
    key = f"imports/{guarded.own.namespace}/a.mov"
    metadata = body["metadata"] | {"labels": {"team": "films"}}
    return body | {"metadata": metadata, "spec": {"source": {"storageKey": key}}}


def created(guarded: Namespace, user: str, body: dict[str, Any]) -> str:
    assert guarded.run(user, "create", "--filename=-", body=body) == ""
    name: str = body["metadata"]["name"]
    return name


def test_only_the_service_and_named_writers_make_uploads(guarded: Namespace) -> None:
    for user in (guarded.api, guarded.operator, BACKUP):
        created(guarded, user, an_upload(guarded))
    elsewhere = f"system:serviceaccount:default:{RELEASE}-api"
    for user in ("support", elsewhere, "system:serviceaccount:kube-system:default"):
        assert "only the API and the operator" in guarded.run(user, "create", "--filename=-", body=an_upload(guarded))


def test_people_apply_edit_and_delete_imports(guarded: Namespace) -> None:
    name = created(guarded, "support", an_import(guarded))
    assert guarded.patch("support", name, {"spec": {"title": "Launch"}, "metadata": {"labels": {"a": "b"}}}) == ""
    assert "only the API and the operator" in guarded.patch(
        "support", name, {"metadata": {"labels": {ORIGIN_LABEL: "api"}}}
    )
    assert guarded.run("support", "delete", "videoupload", name) == ""


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(PATCH_SPEC, id="the-spec"),
        pytest.param({"metadata": {"labels": {ORIGIN_LABEL: None}}}, id="the-label-away"),
        pytest.param({"metadata": {"labels": {ORIGIN_LABEL: "kubernetes"}}}, id="another-label"),
        pytest.param({"metadata": {"labels": {ORIGIN_LABEL: None}}, **PATCH_SPEC}, id="spec-and-label"),
        pytest.param({"metadata": {"annotations": {"video.uploads.dev/signature": "v1=00"}}}, id="the-signature"),
        pytest.param({"metadata": {"annotations": {"video.uploads.dev/signature": None}}}, id="the-signature-away"),
        pytest.param({"metadata": {"annotations": {"other": "one"}}}, id="another-annotation"),
    ],
)
def test_people_cannot_change_an_upload(guarded: Namespace, patch: dict[str, Any]) -> None:
    body = an_upload(guarded)
    body["metadata"]["annotations"] = {"video.uploads.dev/signature": SIGNATURES.of_spec("a", body["spec"])}
    name = created(guarded, guarded.api, body)
    assert "people can only" in guarded.patch("support", name, patch)
    if "spec" in patch:
        assert guarded.patch(guarded.api, name, {"spec": {"title": "Launch", "revision": 2}}) == ""


@pytest.mark.parametrize("annotation", [PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION])
def test_people_annotate_an_upload(guarded: Namespace, annotation: str) -> None:
    name = created(guarded, guarded.api, an_upload(guarded))
    for text in ("true", "again", None):
        assert guarded.patch("support", name, {"metadata": {"annotations": {annotation: text}}}) == ""


def test_only_the_operator_writes_status(guarded: Namespace) -> None:
    names = [created(guarded, guarded.api, an_upload(guarded)), created(guarded, "support", an_import(guarded))]
    status = {"status": {"observedGeneration": -1, "phase": "uploading"}}
    for name in names:
        for user in ("support", guarded.api):
            assert "only the operator" in guarded.patch(user, name, status, "--subresource=status")
        for user in (guarded.operator, BACKUP):
            assert guarded.patch(user, name, status, "--subresource=status") == ""


def test_an_account_that_may_delete_uploads_still_may(guarded: Namespace) -> None:
    name = created(guarded, guarded.api, an_upload(guarded))
    assert guarded.run("support", "delete", "videoupload", name, "--wait=false") == ""


def test_other_namespaces_are_left_alone(guarded: Namespace, api_server: ClusterAdmin) -> None:
    other = ClusterAdmin(api_server.admin_kubeconfig, f"other-{secrets.token_hex(4)}")
    other.create_namespace()
    body = an_upload(guarded)
    body["metadata"]["namespace"] = other.namespace
    other.kubectl("create", "--filename=-", stdin=json.dumps(body))


def test_the_policy_can_be_switched_off() -> None:
    off = "--set=admissionPolicy.enabled=false"
    done = helm("template", RELEASE, *arguments_of_chart(), f"--values={MINIMAL}", off)
    kinds = {document["kind"] for document in yaml.safe_load_all(done.stdout) if document}
    assert not {kind for kind in kinds if kind.startswith("ValidatingAdmissionPolicy")}
