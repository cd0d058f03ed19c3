"""The chart in the hands of the real Helm: what it renders, and which values it refuses."""

import subprocess
from typing import Any

import pytest
import yaml

from controller.settings import Settings
from devstack.cluster import CHART, RELEASE
from devstack.tools import tool


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [str(tool("helm")), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def rendered(release: str, *arguments: str) -> list[dict[str, Any]]:
    done = helm("template", release, str(CHART), "--namespace=films", *arguments)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def named(documents: list[dict[str, Any]], kind: str) -> set[str]:
    return {document["metadata"]["name"] for document in documents if document["kind"] == kind}


def leases_of(documents: list[dict[str, Any]]) -> list[str]:
    """Return the names of the Leases that somebody may hold."""
    return [
        name
        for document in documents
        for rule in document.get("rules", ())
        if rule["resources"] == ["leases"]
        for name in rule.get("resourceNames", ())
    ]


def test_the_chart_is_well_formed() -> None:
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("release", "arguments", "prefix"),
    [
        pytest.param("video-uploads", [], "video-uploads", id="the-usual-release"),
        pytest.param("films", [], "films-video-uploads", id="another-release"),
        pytest.param("films", ["--set=nameOverride=clips"], "films-clips", id="another-name"),
        pytest.param("films", ["--set=fullnameOverride=clips"], "clips", id="another-full-name"),
        pytest.param("r" * 53, [], "r" * 53, id="the-longest-release"),
    ],
)
def test_names_follow_the_release(release: str, arguments: list[str], prefix: str) -> None:
    documents = rendered(release, *arguments)
    for kind in ("ServiceAccount", "Role", "RoleBinding"):
        assert named(documents, kind) == {f"{prefix}-api", f"{prefix}-operator"}
    assert leases_of(documents) == [f"{prefix}-operator"]


def test_the_operator_of_the_usual_release_needs_no_telling_which_lease_is_its_own() -> None:
    assert leases_of(rendered(RELEASE)) == [Settings.model_fields["lease_name"].default]


def test_nothing_is_granted_outside_the_namespace() -> None:
    documents = rendered("video-uploads")
    assert {document["metadata"]["namespace"] for document in documents} == {"films"}
    assert {document["kind"] for document in documents} == {"ServiceAccount", "Role", "RoleBinding"}


def test_no_rule_has_a_wildcard() -> None:
    rules = [rule for document in rendered("video-uploads") for rule in document.get("rules", ())]
    assert rules
    assert not [rule for rule in rules if "*" in str(rule)]


def test_accounts_made_elsewhere_can_be_used() -> None:
    documents = rendered("r", "--set=serviceAccounts.api.create=false,serviceAccounts.api.name=mine")
    assert named(documents, "ServiceAccount") == {"r-video-uploads-operator"}
    subjects = [binding["subjects"][0]["name"] for binding in documents if binding["kind"] == "RoleBinding"]
    assert sorted(subjects) == ["mine", "r-video-uploads-operator"]


def test_roles_can_be_made_elsewhere() -> None:
    assert {document["kind"] for document in rendered("r", "--set=rbac.create=false")} == {"ServiceAccount"}


@pytest.mark.parametrize(
    "value", ["rbac.crate=true", "serviceAccount.api.name=a", "rbac.create=sometimes", "serviceAccounts.api.nam=a"]
)
def test_a_misspelt_or_mistyped_value_is_refused(value: str) -> None:
    done = helm("template", "r", str(CHART), f"--set={value}")
    assert done.returncode != 0
    assert "don't meet the specifications of the schema" in done.stderr


def test_a_cluster_without_selectable_fields_is_refused() -> None:
    done = helm("template", "r", str(CHART), "--kube-version=1.31.9")
    assert done.returncode != 0
    assert "kubeVersion" in done.stderr
