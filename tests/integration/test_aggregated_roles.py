"""What the chart adds to the cluster's `view` and `edit`, tried as a ServiceAccount that has nothing else.

The controller that aggregates does not run beside this API server, so the added roles are bound themselves.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.cluster import CHART, RELEASE, ClusterAdmin
from devstack.server import PartFailedError
from domain.video import (
    PAUSED_ANNOTATION,
    RECONCILE_REQUESTED_ANNOTATION,
    RETRY_REQUESTED_ANNOTATION,
    new_video_id,
)
from tests.integration.charted import MINIMAL, Manifest, helm, rendered
from tests.integration.kube_rights import EVERYBODYS, VERBS, AccountClient, kinds_of, pairs
from tests.support.eventually import eventually

AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
READS = ("get", "list", "watch")
KIND, PROFILES = "video.uploads.dev/videouploads", "video.uploads.dev/transcodeprofiles"


def of_release(namespace: str, *more: str) -> list[Manifest]:
    """Return the admission policy and the added roles of a release."""
    arguments = [f"--namespace={namespace}", f"--values={MINIMAL}", "--set=aggregatedRoles.create=true", *more]
    done = helm("template", RELEASE, str(CHART), *arguments)
    assert done.returncode == 0, done.stderr
    kinds = ("ClusterRole", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    return [one for one in yaml.safe_load_all(done.stdout) if one and one["kind"] in kinds]


def roles(*more: str) -> dict[str, Manifest]:
    """Return the added roles by the last word of their names."""
    found = [one for one in of_release("films", *more) if one["kind"] == "ClusterRole"]
    return {one["metadata"]["name"].rpartition("-")[2]: one for one in found}


class Office:
    """A namespace with the policy in force, an import, and a ServiceAccount for each of the roles."""

    def __init__(self, api_server: ClusterAdmin, directory: Path) -> None:
        self.admin = ClusterAdmin(api_server.admin_kubeconfig, f"office-{new_video_id()}")
        self.admin.create_namespace()
        self.directory = directory
        self.admin.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(of_release(self.admin.namespace)))
        for account, added in (("viewer", ("view",)), ("editor", ("view", "edit"))):
            self.admin.kubectl("create", "serviceaccount", account)
            for role in added:
                self.admin.kubectl(
                    "create", "rolebinding", f"{account}-{role}",
                    f"--clusterrole={self.admin.namespace}-{RELEASE}-{role}",
                    f"--serviceaccount={self.admin.namespace}:{account}",
                )  # fmt: skip
            self.admin.write_account_kubeconfig(self.kubeconfig(account), account=account)
        spec = {"source": {"storageKey": f"imports/{self.admin.namespace}/a.mov"}, "title": "Launch"}
        body = {
            "apiVersion": "video.uploads.dev/v1alpha1",
            "kind": "VideoUpload",
            "metadata": {"name": "launch", "namespace": self.admin.namespace},
            "spec": spec,
        }
        self.admin.kubectl("create", "--filename=-", stdin=json.dumps(body))
        # A policy is in force some moments after it is stored, and so is a binding.
        eventually(self._refuses_a_title)

    def _refuses_a_title(self) -> bool:
        answer = self.patch("editor", {"spec": {"title": "Mine"}}, "--dry-run=server")
        assert "can only annotate" in answer, answer or "the API server took the title"
        return True

    def kubeconfig(self, account: str) -> Path:
        """Return the kubeconfig of one of the accounts."""
        return self.directory / account

    def run(self, account: str, *arguments: str) -> str:
        """Run kubectl as an account; return what the API server refuses it with, empty if it does not."""
        try:
            ClusterAdmin(self.kubeconfig(account), self.admin.namespace).kubectl(*arguments)
        except PartFailedError as error:
            return str(error)
        return ""

    def patch(self, account: str, patch: Any, *options: str) -> str:
        """Patch the import as an account."""
        return self.run(
            account, "patch", "videoupload", "launch", "--type=merge", f"--patch={json.dumps(patch)}", *options
        )


@pytest.fixture(scope="module")
def office(api_server: ClusterAdmin, tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(api_server, tmp_path_factory.mktemp("office"))


@pytest.mark.parametrize(("account", "verbs"), [("viewer", READS), ("editor", (*READS, "patch"))])
def test_an_account_may_do_exactly_this(office: Office, tmp_path: Path, account: str, verbs: tuple[str, ...]) -> None:
    caller = AccountClient(office.kubeconfig(account), tmp_path)
    granted = {
        (str(kind), verb)
        for kind in kinds_of(AccountClient(office.admin.admin_kubeconfig, tmp_path))
        for verb in VERBS
        if caller.may(verb, kind, namespace=office.admin.namespace)
    }
    assert granted == pairs({KIND: verbs, PROFILES: READS}) | pairs(EVERYBODYS)


@pytest.mark.parametrize("annotation", [PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION, RECONCILE_REQUESTED_ANNOTATION])
def test_an_editor_pauses_retries_and_wakes_and_a_viewer_does_not(office: Office, annotation: str) -> None:
    command = ["annotate", "--overwrite", "videoupload", "launch", f"{annotation}=true"]
    assert office.run("editor", *command) == ""
    assert "cannot patch" in office.run("viewer", *command)


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"spec": {"title": "Mine"}}, id="the-title"),
        pytest.param({"spec": {"deleted": True}}, id="a-deletion"),
        pytest.param({"metadata": {"labels": {"mine": "yes"}}}, id="a-label"),
        pytest.param({"metadata": {"annotations": {"mine": "yes"}}}, id="another-annotation"),
    ],
)
def test_an_editor_changes_nothing_else(office: Office, patch: dict[str, Any]) -> None:
    assert "denied request" in office.patch("editor", patch)


def test_the_cluster_adds_these_roles_to_its_own(office: Office) -> None:
    assert {name: _aggregated_to(role) for name, role in roles().items()} == {"view": ["view"], "edit": ["edit"]}
    for name, expected in (("view", ["edit"]), ("edit", ["admin"])):
        shown = json.loads(office.admin.kubectl("get", "clusterrole", name, "--output=json"))
        assert _aggregated_to(shown) == expected


def _aggregated_to(role: Manifest) -> list[str]:
    return [label.removeprefix(AGGREGATE) for label in role["metadata"]["labels"] if label.startswith(AGGREGATE)]


def test_without_the_policy_nothing_is_added_to_edit() -> None:
    assert list(roles("--set=admissionPolicy.enabled=false")) == ["view"]


def test_nothing_cluster_wide_is_added_by_default() -> None:
    assert "ClusterRole" not in {document["kind"] for document in rendered("r", values=MINIMAL)}


def test_two_releases_share_no_name() -> None:
    names = [one["metadata"]["name"] for namespace in ("films", "news") for one in of_release(namespace)]
    assert len({*names}) == len(of_release("films") + of_release("news")) - 2  # policy and binding share one name
