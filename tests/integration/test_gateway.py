"""The chart's HTTPRoute: it leads where the Ingress leads, and an API server with that kind stores it unchanged.

The kind in gateway-crds is written after the specification of the Gateway API, with the fields and bounds of its
first release (v1.0) that the chart can meet. What a Gateway makes of a route is not tested here.
"""

import copy
import secrets
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.cluster import ClusterAdmin
from devstack.server import PartFailedError
from tests.integration.charted import MINIMAL, Manifest, only, refused, rendered

(CRD,) = (Path(__file__).parent / "gateway-crds").glob("*.json")
GATEWAY = {"name": "public", "namespace": "gateways", "sectionName": "https"}


def route(**more: Any) -> Manifest:
    """Return the HTTPRoute of a release with these values."""
    values = {"gateway": {"enabled": True, "parentRefs": [GATEWAY], **more}}
    return only(rendered("films", values=MINIMAL, more=values), "HTTPRoute")


@pytest.fixture(scope="module")
def with_kind(api_server: ClusterAdmin) -> ClusterAdmin:
    """A namespace of an API server that knows HTTPRoutes."""
    api_server.kubectl("apply", "--server-side", f"--filename={CRD}")
    api_server.wait_until_served(CRD.stem)
    own = ClusterAdmin(api_server.admin_kubeconfig, f"routed-{secrets.token_hex(4)}")
    own.create_namespace()
    return own


def store(cluster: ClusterAdmin, document: Manifest) -> Manifest:
    """Store an HTTPRoute and return what the API server keeps of it."""
    document["metadata"]["namespace"] = cluster.namespace
    text = yaml.safe_dump(document)
    kept = cluster.kubectl("apply", "--server-side", "--validate=strict", "--filename=-", "--output=yaml", stdin=text)
    stored: Manifest = yaml.safe_load(kept)
    return stored


def test_the_route_is_stored_unchanged(with_kind: ClusterAdmin) -> None:
    document = route(hostnames=["videos.example.com"], annotations={"team": "video"})
    assert store(with_kind, copy.deepcopy(document))["spec"] == document["spec"]
    assert document["spec"]["hostnames"] == ["videos.example.com"]
    assert document["spec"]["parentRefs"] == [GATEWAY]
    assert document["metadata"]["annotations"] == {"team": "video"}


def test_a_field_that_routes_do_not_have_is_refused(with_kind: ClusterAdmin) -> None:
    document = route()
    document["spec"]["rules"][0]["backends"] = []
    with pytest.raises(PartFailedError, match="backends"):
        store(with_kind, document)


def test_the_route_leads_to_the_paths_of_the_ingress() -> None:
    more = {
        "ingress": {"enabled": True, "hosts": [{"host": "videos.example.com"}]},
        "gateway": {"enabled": True, "parentRefs": [GATEWAY]},
    }
    documents = rendered("films", values=MINIMAL, more=more)
    (rule,) = only(documents, "Ingress")["spec"]["rules"]
    names = {"Exact": "Exact", "Prefix": "PathPrefix"}
    expected = [(names[path["pathType"]], path["path"]) for path in rule["http"]["paths"]]
    rules = only(documents, "HTTPRoute")["spec"]["rules"]
    paths = [match["path"] for one in rules for match in one["matches"]]
    assert [(path["type"], path["value"]) for path in paths] == expected
    backends = [backend for one in rules for backend in one["backendRefs"]]
    assert all(backend == {"name": "films-video-uploads-api", "port": 80} for backend in backends)
    assert only(documents, "Service", "-api")["spec"]["ports"][0]["port"] == 80


def test_other_paths_replace_the_public_ones() -> None:
    (rule,) = route(paths=["/"])["spec"]["rules"]
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]


def test_without_hostnames_the_gateways_decide() -> None:
    assert "hostnames" not in route()["spec"]


def test_a_route_without_a_gateway_is_refused() -> None:
    assert "gateway.parentRefs" in refused(f"--values={MINIMAL}", "--set=gateway.enabled=true")


def test_there_is_no_route_by_default_and_none_without_the_api() -> None:
    assert "HTTPRoute" not in {document["kind"] for document in rendered("films", values=MINIMAL)}
    more = {"gateway": {"enabled": True, "parentRefs": [GATEWAY]}, "api": {"enabled": False}}
    assert "HTTPRoute" not in {document["kind"] for document in rendered("films", values=MINIMAL, more=more)}
