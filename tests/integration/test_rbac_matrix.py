"""Every request that an API server knows, tried as both accounts: exactly what is stated here is allowed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.cluster import ClusterAdmin
from tests.integration.kube_rights import EVERYBODYS, VERBS, AccountClient, Kind, Rights, kinds_of, pairs

LEASE = "video-uploads-operator"
ELSEWHERE = "default"
OF_ALL_NAMESPACES = ("list", "watch", "deletecollection")
RULES_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"

# In the chart's namespace. A name behind a colon is the only one.
ALLOWED: Mapping[str, Rights] = {
    "api": {"video.uploads.dev/videouploads": {"get", "create", "patch"}},
    "operator": {
        "video.uploads.dev/videouploads": {"get", "list", "watch", "create", "patch", "delete"},
        "video.uploads.dev/videouploads/status": {"update"},
        "video.uploads.dev/transcodeprofiles": {"list"},
        "video.uploads.dev/transcodeprofiles/status": {"update"},
        "events.k8s.io/events": {"create"},
        # Any: what is created has no name yet when rights are looked at. Others can be made, and not be touched.
        "coordination.k8s.io/leases": {"create"},
        f"coordination.k8s.io/leases:{LEASE}": {"get", "update"},
    },
}
NAMED_IN_THE_CONTRACT = {
    "secrets",
    "configmaps",
    "pods",
    "pods/exec",
    "serviceaccounts/token",
    "namespaces",
    "coordination.k8s.io/leases",
    "rbac.authorization.k8s.io/roles",
    "rbac.authorization.k8s.io/rolebindings",
    "rbac.authorization.k8s.io/clusterroles",
    "apiextensions.k8s.io/customresourcedefinitions",
    "video.uploads.dev/videouploads/status",
}


@dataclass(frozen=True)
class ServiceAccount:
    """One of the chart's accounts, and what the API server serves."""

    name: str
    caller: AccountClient
    namespace: str
    kinds: list[Kind]

    def granted(
        self, *, namespace: str | None, kinds: Iterable[Kind], verbs: Iterable[str] = VERBS
    ) -> set[tuple[str, str]]:
        """Try the verbs on each of the kinds, and return what was not refused."""
        return {
            (str(kind), verb) for kind in kinds for verb in verbs if self.caller.may(verb, kind, namespace=namespace)
        }


@pytest.fixture(scope="module")
def admin(api_server: ClusterAdmin, tmp_path_factory: pytest.TempPathFactory) -> AccountClient:
    return AccountClient(api_server.admin_kubeconfig, tmp_path_factory.mktemp("admin"))


@pytest.fixture(scope="module")
def kinds(admin: AccountClient) -> list[Kind]:
    return kinds_of(admin)


@pytest.fixture(scope="module", params=ALLOWED)
def account(
    request: pytest.FixtureRequest,
    kinds: list[Kind],
    api_server: ClusterAdmin,
    tmp_path_factory: pytest.TempPathFactory,
) -> ServiceAccount:
    kubeconfig: Path = request.getfixturevalue(f"{request.param}_kubeconfig")
    caller = AccountClient(kubeconfig, tmp_path_factory.mktemp(request.param))
    return ServiceAccount(request.param, caller, api_server.namespace, kinds)


def test_the_matrix_covers_the_rights_that_matter(
    admin: AccountClient, kinds: list[Kind], api_server: ClusterAdmin
) -> None:
    assert {str(kind) for kind in kinds} >= NAMED_IN_THE_CONTRACT
    # The administrator is refused nothing: what is missing elsewhere is rights.
    for kind in kinds:
        for verb in ("get", "list"):
            assert admin.may(verb, kind, namespace=api_server.namespace), kind


def test_in_its_namespace_an_account_may_do_exactly_what_the_matrix_states(account: ServiceAccount) -> None:
    granted = account.granted(namespace=account.namespace, kinds=account.kinds)
    of_any_name = {resource: verbs for resource, verbs in ALLOWED[account.name].items() if ":" not in resource}

    assert granted == pairs(of_any_name) | pairs(EVERYBODYS)


def test_only_the_operator_may_touch_its_lease(account: ServiceAccount) -> None:
    (leases,) = (kind for kind in account.kinds if str(kind) == "coordination.k8s.io/leases" and "/v1" in kind.path)
    granted = {verb for verb in VERBS if account.caller.may(verb, leases, namespace=account.namespace, name=LEASE)}
    stated = ALLOWED[account.name]

    assert granted == {*stated.get(str(leases), ()), *stated.get(f"{leases}:{LEASE}", ())}


def test_in_another_namespace_an_account_may_do_nothing(account: ServiceAccount) -> None:
    namespaced = [kind for kind in account.kinds if kind.is_namespaced]

    assert account.granted(namespace=ELSEWHERE, kinds=namespaced) == set()


def test_over_all_namespaces_an_account_may_do_nothing(account: ServiceAccount) -> None:
    namespaced = [kind for kind in account.kinds if kind.is_namespaced and "/" not in kind.name]

    assert account.granted(namespace=None, kinds=namespaced, verbs=OF_ALL_NAMESPACES) == set()


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["in-its-namespace", "in-another-namespace"])
def test_the_api_server_itself_lists_no_other_rights(account: ServiceAccount, *, is_elsewhere: bool) -> None:
    """Verbs that are no requests, such as `impersonate`, and rights on single names are seen here only."""
    spec = {"namespace": ELSEWHERE if is_elsewhere else account.namespace}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": spec}
    status = account.caller.json("POST", RULES_REVIEW, review)["status"]

    assert not status["incomplete"]
    assert set(_listed(status["resourceRules"])) == pairs({} if is_elsewhere else ALLOWED[account.name]) | pairs(
        EVERYBODYS
    )


@pytest.mark.parametrize(
    "path", ["/metrics", "/debug/pprof/", "/debug/flags/v", "/logs/", "/configz", "/flagz", "/statusz"]
)
def test_no_account_may_read_the_api_servers_own_endpoints(account: ServiceAccount, path: str) -> None:
    assert account.caller.status("GET", path) == 403


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Impersonate-User": "system:admin"}, id="administrator"),
        pytest.param({"Impersonate-User": "a", "Impersonate-Group": "system:masters"}, id="group"),
        pytest.param({"Impersonate-User": "system:serviceaccount:video-uploads:video-uploads-operator"}, id="operator"),
    ],
)
def test_no_account_may_impersonate_another(account: ServiceAccount, headers: dict[str, str]) -> None:
    assert account.caller.status("GET", "/version", headers=headers) == 403


def _listed(rules: Iterable[Mapping[str, list[str]]]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames") or [""]:
                    for verb in rule["verbs"]:
                        yield f"{group}/{resource}".lstrip("/") + (f":{name}" if name else ""), verb
