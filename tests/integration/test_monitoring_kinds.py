"""The chart's objects for the Prometheus operator, stored by an API server with that project's CRDs."""

import copy
import secrets

import pytest
import yaml

from devstack import monitoringkinds
from devstack.cluster import ClusterAdmin
from devstack.server import PartFailedError
from tests.integration.charted import MINIMAL, MONITORED, Manifest, only, rendered

OPTIONS = [
    *MONITORED,
    "--set=serviceMonitor.labels.release=prometheus",
    "--set=prometheusRule.labels.release=prometheus",
    "--set=prometheusRule.additionalAnnotations.team=video",
    "--set=prometheusRule.runbookBaseUrl=https://wiki.example.com/",
]
KINDS = ("ServiceMonitor", "PrometheusRule")


@pytest.fixture(scope="module")
def with_kinds(api_server: ClusterAdmin) -> ClusterAdmin:
    """A namespace of an API server that knows the kinds of the Prometheus operator."""
    for file in monitoringkinds.files():
        api_server.kubectl("apply", "--server-side", f"--filename={file}")
    api_server.wait_until_served(*(file.stem for file in monitoringkinds.files()))
    own = ClusterAdmin(api_server.admin_kubeconfig, f"watched-{secrets.token_hex(4)}")
    own.create_namespace()
    return own


@pytest.fixture(scope="module")
def documents(with_kinds: ClusterAdmin) -> list[Manifest]:
    """What the chart makes, to be stored in that namespace."""
    made = [one for one in rendered("films", *OPTIONS, values=MINIMAL) if one["kind"] in KINDS]
    for document in made:
        document["metadata"]["namespace"] = with_kinds.namespace
    return made


def store(cluster: ClusterAdmin, *documents: Manifest) -> str:
    text = yaml.safe_dump_all(documents)
    return cluster.kubectl("apply", "--server-side", "--validate=strict", "--filename=-", stdin=text)


def stored(cluster: ClusterAdmin, document: Manifest) -> Manifest:
    arguments = [document["kind"].lower(), document["metadata"]["name"], "--output=yaml"]
    found: Manifest = yaml.safe_load(cluster.kubectl("get", *arguments))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_rendered_object_is_stored_unchanged(with_kinds: ClusterAdmin, documents: list[Manifest], kind: str) -> None:
    document = only(documents, kind)
    assert "serverside-applied" in store(with_kinds, document)
    assert stored(with_kinds, document)["spec"] == document["spec"]


def test_an_unknown_field_of_a_monitor_is_refused(with_kinds: ClusterAdmin, documents: list[Manifest]) -> None:
    monitor = copy.deepcopy(only(documents, "ServiceMonitor"))
    monitor["spec"]["endpoints"][0]["scrapeInterval"] = "15s"
    with pytest.raises(PartFailedError, match="scrapeInterval"):
        store(with_kinds, monitor)


def test_a_malformed_duration_is_refused(with_kinds: ClusterAdmin, documents: list[Manifest]) -> None:
    rule = copy.deepcopy(only(documents, "PrometheusRule"))
    alert = next(one for group in rule["spec"]["groups"] for one in group["rules"] if "for" in one)
    alert["for"] = "5 minutes"
    with pytest.raises(PartFailedError, match="for"):
        store(with_kinds, rule)
