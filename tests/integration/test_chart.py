"""The chart, rendered by the real Helm: names, rights, refused values, and the objects that others see.

Settings and credentials are in test_chart_settings.py, what an API server makes of it in test_chart_applied.py.
"""

from pathlib import Path
from typing import Any

import pytest

from controller.settings import OperatorSettings
from devstack.apiserver import NAMESPACE
from devstack.chart import SNAPSHOTS, rendered_for_the_stack, snapshot
from devstack.cluster import CHART, RELEASE, local_manifests
from tests.integration.charted import MINIMAL, PRODUCTION, helm, only, pod_of, refused, rendered

RIGHTS = ("ServiceAccount", "Role", "RoleBinding")
CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding")
POLICY = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


def named(documents: list[dict[str, Any]], kind: str) -> set[str]:
    return {document["metadata"]["name"] for document in documents if document["kind"] == kind}


def leases_of(documents: list[dict[str, Any]]) -> list[str]:
    """Return the names of the Leases that the Roles allow to hold."""
    return [
        name
        for document in documents
        for rule in document.get("rules", ())
        if rule["resources"] == ["leases"]
        for name in rule.get("resourceNames", ())
    ]


@pytest.mark.parametrize("values", SNAPSHOTS.values(), ids=SNAPSHOTS)
def test_the_chart_is_well_formed(values: Path) -> None:
    done = helm("lint", "--strict", str(CHART), f"--values={values}")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_change_of_a_rendered_value_is_detected(name: str) -> None:
    kept = Path(__file__).parent / "snapshots" / f"chart-{name}.yaml"
    assert kept.read_text() == snapshot(name), "if this is meant: python -m devstack.chart"


@pytest.mark.parametrize("namespace", [NAMESPACE, "films"])
def test_the_local_stack_applies_what_helm_renders(namespace: str) -> None:
    rendered_by_helm = rendered_for_the_stack(namespace, "--include-crds")
    assert local_manifests(namespace) == rendered_by_helm, "after a change of the chart: python -m devstack.chart"


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
    documents = rendered(release, *arguments, values=MINIMAL)
    for kind in (*RIGHTS, "Deployment", "Service", "PodDisruptionBudget"):
        assert named(documents, kind) == {f"{prefix}-api", f"{prefix}-operator"}
    assert named(documents, "NetworkPolicy") == {f"{prefix}-{part}" for part in ("api", "operator", "test")}
    assert leases_of(documents) == [f"{prefix}-operator"]


def test_the_operator_of_the_default_release_uses_its_default_lease() -> None:
    assert leases_of(rendered(RELEASE, values=MINIMAL)) == [OperatorSettings.model_fields["lease_name"].default]


def test_nothing_is_granted_outside_the_namespace() -> None:
    documents = rendered("video-uploads", values=MINIMAL)
    assert {document["metadata"].get("namespace", "") for document in documents} == {"films", ""}
    # It grants nothing, and is in force in the namespace only.
    assert {document["kind"] for document in documents if "namespace" not in document["metadata"]} == POLICY
    assert not [document for document in documents if document["kind"] in CLUSTER_WIDE]


def test_the_namespace_can_differ_from_the_releases() -> None:
    documents = rendered("video-uploads", "--set=namespaceOverride=clips", values=PRODUCTION)
    assert {document["metadata"].get("namespace", "clips") for document in documents} == {"clips"}
    for binding in (document for document in documents if document["kind"].endswith("RoleBinding")):
        assert {subject["namespace"] for subject in binding["subjects"]} == {"clips"}


def test_no_rule_has_a_wildcard() -> None:
    rules = [rule for document in rendered("video-uploads", values=PRODUCTION) for rule in document.get("rules", ())]
    assert rules
    assert not [rule for rule in rules if "*" in str(rule)]


def test_the_crd_upgrade_job_may_touch_nothing_but_the_crds() -> None:
    documents = rendered("video-uploads", values=PRODUCTION)
    definitions = {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"]}
    assert only(documents, "ClusterRole")["rules"] == [
        definitions
        | {
            "resourceNames": ["videouploads.video.uploads.dev", "transcodeprofiles.video.uploads.dev"],
            "verbs": ["get", "patch"],
        },
        definitions | {"verbs": ["create"]},
    ]
    hooks = [
        document
        for document in documents
        if document["metadata"]["name"].endswith("-crds") and document["kind"] != "NetworkPolicy"
    ]
    assert len(hooks) == 4
    assert {document["metadata"]["annotations"]["helm.sh/hook"] for document in hooks} == {"pre-upgrade"}


def test_the_crd_upgrade_job_can_use_an_existing_account() -> None:
    documents = rendered("r", "--set=crdUpgrade.serviceAccountName=mine", values=PRODUCTION)
    assert not [document for document in documents if document["kind"] in CLUSTER_WIDE]
    assert only(documents, "Job")["spec"]["template"]["spec"]["serviceAccountName"] == "mine"


def test_existing_accounts_can_be_used() -> None:
    documents = rendered("r", "--set=serviceAccounts.api.create=false,serviceAccounts.api.name=mine", values=MINIMAL)
    assert named(documents, "ServiceAccount") == {"r-video-uploads-operator"}
    subjects = [binding["subjects"][0]["name"] for binding in documents if binding["kind"] == "RoleBinding"]
    assert sorted(subjects) == ["mine", "r-video-uploads-operator"]
    assert pod_of(documents, "api")["serviceAccountName"] == "mine"


def test_roles_can_be_left_out_of_the_release() -> None:
    documents = rendered("r", "--set=rbac.create=false", values=MINIMAL)
    assert not {document["kind"] for document in documents} & {"Role", "RoleBinding"}


def test_a_release_of_only_rights_needs_no_other_value() -> None:
    documents = rendered("r", "--set=api.enabled=false,operator.enabled=false")
    assert {document["kind"] for document in documents} == {*RIGHTS, *POLICY}


@pytest.mark.parametrize(
    "value",
    [
        "rbac.crate=true",
        "serviceAccount.api.name=a",
        "rbac.create=sometimes",
        "serviceAccounts.api.nam=a",
        "api.replicas=3",
        "settings.api.UPLOAD_PER_HOUR=3",
        "settings.api.UPLOADS_PER_HOUR=-1",
        "settings.operator.ON_UNCERTAIN=never",
        "settings.storage.S3_ACL=private",
        "credentials.database.password=secret",
        "ingress.hosts[0].hots=videos.example.com",
        "image.digest=sha256:1",
    ],
)
def test_a_misspelt_or_mistyped_value_is_refused(value: str) -> None:
    assert "don't meet the specifications of the schema" in refused(f"--values={MINIMAL}", f"--set={value}")


def test_all_missing_values_are_named_at_once() -> None:
    said = refused()
    assert "These values are required" in said
    for name in ("image.repository", "credentials.database.existingSecret", "settings.storage.S3_ENDPOINT"):
        assert f"\n  {name}\n" in said


def test_tokens_of_an_issuer_need_no_signing_key() -> None:
    without = ["--set=credentials.tokens.existingSecret="]
    assert "credentials.tokens.existingSecret" in refused(f"--values={MINIMAL}", *without)
    documents = rendered("r", *without, "--set=settings.api.JWT_JWKS_URL=https://a.example.com/keys", values=MINIMAL)
    assert "JWT_SIGNING_KEY" not in str(pod_of(documents, "api"))


def test_a_cluster_without_selectable_fields_is_refused() -> None:
    assert "kubeVersion" in refused(f"--values={MINIMAL}", "--kube-version=1.31.9")


def test_the_image_has_the_releases_tag_unless_a_digest_is_given() -> None:
    digest = f"sha256:{'0' * 64}"
    (api,) = pod_of(rendered("r", f"--set=image.digest={digest}", values=MINIMAL), "api")["containers"]
    assert api["image"] == f"example.com/video-uploads@{digest}"
    (api,) = pod_of(rendered("r", "--set=image.tag=v7", values=MINIMAL), "api")["containers"]
    assert api["image"] == "example.com/video-uploads:v7"


def test_with_an_autoscaler_no_replica_count_is_rendered() -> None:
    documents = rendered("r", values=PRODUCTION)
    assert "replicas" not in only(documents, "Deployment", "-api")["spec"]
    target = only(documents, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == only(documents, "Deployment", "-api")["metadata"]["name"]


def test_services_and_policies_point_at_the_pods_that_run() -> None:
    documents = rendered("r", values=PRODUCTION)
    for process in ("api", "operator"):
        labels = only(documents, "Deployment", f"-{process}")["spec"]["template"]["metadata"]["labels"].items()
        selectors = [
            only(documents, "Service", f"-{process}")["spec"]["selector"],
            only(documents, "NetworkPolicy", f"-{process}")["spec"]["podSelector"]["matchLabels"],
            only(documents, "PodDisruptionBudget", f"-{process}")["spec"]["selector"]["matchLabels"],
            only(documents, "Deployment", f"-{process}")["spec"]["selector"]["matchLabels"],
        ]
        for selector in selectors:
            assert selector["app.kubernetes.io/component"] == process
            assert selector.items() <= labels


def test_only_the_monitoring_may_reach_the_operators_metrics() -> None:
    (rule,) = only(rendered("r", values=MINIMAL), "NetworkPolicy", "-operator")["spec"]["ingress"]
    assert rule["from"] == [{"podSelector": {}}]
    (rule,) = only(rendered("r", values=PRODUCTION), "NetworkPolicy", "-operator")["spec"]["ingress"]
    assert "monitoring" in str(rule["from"])


def test_an_ingress_serves_only_the_configured_paths() -> None:
    (rule,) = only(rendered("r", values=PRODUCTION), "Ingress")["spec"]["rules"]
    paths = ["/api", "/webhooks", "/openapi.json", "/docs", "/assets"]
    assert [path["path"] for path in rule["http"]["paths"]] == paths


def _served(path: str, *, more: dict[str, Any]) -> bool:
    """Return whether an Ingress with these values leads a path to the API."""
    (rule,) = only(rendered("r", values=MINIMAL, more=more), "Ingress")["spec"]["rules"]
    return any(
        path == known["path"]
        if known["pathType"] == "Exact"
        else f"{path}/".startswith(f"{known['path'].rstrip('/')}/")
        for known in rule["http"]["paths"]
    )


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
def test_an_ingress_without_paths_serves_neither_metrics_nor_probes(path: str) -> None:
    hosts = [{"host": "videos.example.com"}]
    assert not _served(path, more={"ingress": {"enabled": True, "hosts": hosts}})
    assert _served(path, more={"ingress": {"enabled": True, "hosts": [{**hosts[0], "paths": ["/"]}]}})


def test_an_ingress_without_paths_serves_the_api_and_every_file_of_the_page() -> None:
    more = {"ingress": {"enabled": True, "hosts": [{"host": "videos.example.com"}]}}
    public = Path(__file__).parents[2] / "webui" / "public"
    files = [f"/{file.name}" for file in public.iterdir()]
    for path in (
        "/",
        "/assets/index-1.js",
        "/api/v1/videos",
        "/webhooks/coconut",
        "/docs",
        "/openapi.json",
        "/watch/mfrggzdf",
        "/embed/mfrggzdf",
        "/oembed",
        *files,
    ):
        assert _served(path, more=more), path


@pytest.mark.parametrize("name", ["-api", "-operator", "-crds"])
def test_no_pod_reaches_link_local_addresses(name: str) -> None:
    policy = only(rendered("r", values=PRODUCTION), "NetworkPolicy", name)["spec"]
    dns, calls, *_ = policy["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    blocks = [peer["ipBlock"] for peer in calls["to"] if "ipBlock" in peer]
    assert {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]} in blocks
    assert all("except" in block for block in blocks if "." in block["cidr"])


def test_every_pod_has_a_network_policy() -> None:
    documents = rendered("r", values=PRODUCTION)
    pods = {
        document.get("spec", {}).get("template", document)["metadata"]["labels"]["app.kubernetes.io/component"]
        for document in documents
        if document["kind"] in ("Deployment", "Job", "Pod")
    }
    policies = [document["spec"] for document in documents if document["kind"] == "NetworkPolicy"]
    chosen = {policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for policy in policies}
    assert pods <= chosen
    assert all(policy["policyTypes"] == ["Ingress", "Egress"] for policy in policies)


def test_a_pod_has_enough_time_for_its_process_to_shut_down() -> None:
    documents = rendered("r", values=MINIMAL)
    assert (
        pod_of(documents, "operator")["terminationGracePeriodSeconds"]
        > OperatorSettings.model_fields["shutdown_grace_seconds"].get_default()
    )
    gunicorn = (Path(__file__).parents[2] / "webapi" / "server" / "gunicorn.conf.py").read_text()
    assert "graceful_timeout = 25" in gunicorn
    assert pod_of(documents, "api")["terminationGracePeriodSeconds"] > 25


def test_extra_objects_can_be_added_to_a_release() -> None:
    more = {
        "extraObjects": [
            "{kind: Text, metadata: {name: '{{ .Release.Name }}-a'}}",
            {"kind": "Map", "metadata": {"name": "b"}},
        ]
    }
    documents = rendered("r", values=MINIMAL, more=more)
    assert named(documents, "Text") == {"r-a"}
    assert named(documents, "Map") == {"b"}
