"""Several regions in one release: what each process is given, and that nothing selects the pods of two operators."""

from typing import Any

import pytest

from devstack.chart import SNAPSHOTS, names_of
from runtime.setting_names import BORROWED, OURS
from storage.settings import StorageSettings
from tests.integration.charted import MONITORED, Manifest, credentials_of, env_of, only, refused, rendered

REGIONS = SNAPSHOTS["regions"]
FRANKFURT = "REGION_FRA1_"
OPERATORS = ("operator", "operator-fra1")


@pytest.fixture(scope="module")
def release() -> list[Manifest]:
    return rendered("r", *MONITORED, values=REGIONS)


def env_of_operator(release: list[Manifest], component: str) -> dict[str, str]:
    (container,) = only(release, "Deployment", f"-{component}")["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"] if "value" in one}


def test_each_operator_works_for_its_region_with_its_store_and_account(release: list[Manifest]) -> None:
    home, away = (env_of_operator(release, component) for component in OPERATORS)

    regions = ("REGION", "REGION_HOME", "REGIONS", "LEASE_NAME", "S3_REGION", "COCONUT_URL")
    assert [home[name] for name in regions] == [
        "tor1",
        "tor1",
        "fra1",
        "r-video-uploads-operator",
        "tor1",
        "https://api.coconut.co/v2",
    ]
    assert [away[name] for name in regions] == [
        "fra1",
        "tor1",
        "fra1",
        "r-video-uploads-operator-fra1",
        "fra1",
        "https://api-eu-west-1.coconut.co/v2",
    ]
    assert {home["WEBHOOK_BASE_URL"], away["WEBHOOK_BASE_URL"]} == {"https://videos.example.com"}
    for component, region in zip(OPERATORS, ("tor1", "fra1"), strict=True):
        shown = credentials_of(release, component)
        assert {shown["COCONUT_API_KEY"][0], shown["S3_ACCESS_KEY"][0]} == {
            f"videos-coconut-{region}",
            f"videos-storage-{region}",
        }
        given = {name for name in {*env_of_operator(release, component), *shown} if not name.startswith("OTEL_")}
        assert given <= OURS | BORROWED | {"SECRETS_DIR"}


def test_the_api_reaches_the_stores_of_all_regions(release: list[Manifest]) -> None:
    env, shown = env_of(release, "api"), credentials_of(release, "api")

    assert (env["REGION"], env["REGIONS"], env["S3_REGION"]) == ("tor1", "fra1", "tor1")
    assert env["REGION_COUNTRIES"].startswith("fra1=AT BE ")
    assert env[f"{FRANKFURT}S3_RAW_BUCKET"] == "films-originals-fra1"
    # What a region does not say is as in the home region.
    assert env[f"{FRANKFURT}S3_ACL"] == env["S3_ACL"]
    keys = {name: where for name, where in shown.items() if name.startswith(FRANKFURT)}
    assert {secret for secret, _ in keys.values()} == {"videos-storage-fra1"}
    assert {name.removeprefix(FRANKFURT): key for name, (_, key) in keys.items()} == {
        name: name for name in shown if name.startswith("S3_")
    }
    described = {name.removeprefix(FRANKFURT) for name in {*env, *shown} if name.startswith(FRANKFURT)}
    assert described <= set(names_of(StorageSettings))


def test_nothing_selects_the_pods_of_two_operators(release: list[Manifest]) -> None:
    pods = [only(release, "Deployment", f"-{name}")["spec"]["template"]["metadata"]["labels"] for name in OPERATORS]

    def selected(selector: dict[str, Any]) -> int:
        return sum(selector.items() <= labels.items() for labels in pods)

    for kind in ("Deployment", "PodDisruptionBudget", "Service", "NetworkPolicy"):
        for component in OPERATORS:
            spec = only(release, kind, f"-{component}")["spec"]
            selector = spec.get("selector") or spec["podSelector"]
            assert selected(selector.get("matchLabels", selector)) == 1, kind
    assert [labels["video.uploads.dev/region"] for labels in pods] == ["tor1", "fra1"]


def test_the_operators_may_hold_their_leases_and_all_are_scraped(release: list[Manifest]) -> None:
    (rule,) = [one for one in only(release, "Role", "-operator")["rules"] if "resourceNames" in one]
    assert rule["resourceNames"] == ["r-video-uploads-operator", "r-video-uploads-operator-fra1"]

    spec = only(release, "ServiceMonitor")["spec"]
    (scraped,) = spec["selector"]["matchExpressions"]
    assert scraped["values"] == ["api", *OPERATORS]
    assert [one["targetLabel"] for one in spec["endpoints"][0]["relabelings"]] == ["region"]


def test_an_operator_may_be_of_another_release(release: list[Manifest]) -> None:
    elsewhere = rendered("r", "--set=regions[0].operator=false", values=REGIONS)

    deployments = {one["metadata"]["name"] for one in elsewhere if one["kind"] == "Deployment"}
    assert deployments == {"r-video-uploads-api", "r-video-uploads-operator"}
    assert env_of(elsewhere, "api") == {**env_of(release, "api"), "REGIONS_ELSEWHERE": "fra1"}


def test_missing_values_of_a_region_are_named() -> None:
    without = ["--set=regions[0].storage.S3_RAW_BUCKET=", "--set-json=regions[0].credentials={}"]
    missing = refused(f"--values={REGIONS}", *without)

    assert "regions[0].credentials.coconut.existingSecret" in missing
    assert "regions[0].credentials.storage.existingSecret" in missing
    assert "regions[0].storage.S3_RAW_BUCKET" in missing
