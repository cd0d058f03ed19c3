"""The chart's objects for Prometheus and Grafana, rendered by the real Helm."""

import json

import yaml

from devstack.cluster import CHART
from tests.integration.charted import MINIMAL, MONITORED, only, rendered


def test_no_prometheus_object_is_rendered_by_default() -> None:
    kinds = {document["kind"] for document in rendered("films", values=MINIMAL)}
    assert kinds.isdisjoint({"ServiceMonitor", "PrometheusRule"})


def test_both_processes_are_scraped_at_the_ports_of_their_services() -> None:
    documents = rendered("films", *MONITORED, "--set=serviceMonitor.labels.release=prometheus", values=MINIMAL)
    monitor = only(documents, "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (component,) = monitor["spec"]["selector"]["matchExpressions"]
    (endpoint,) = monitor["spec"]["endpoints"]
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    services = [document for document in documents if document["kind"] == "Service"]
    found = [service for service in services if wanted <= service["metadata"]["labels"].items()]
    assert {service["metadata"]["labels"][component["key"]] for service in found} == set(component["values"])
    assert all([endpoint["port"]] == [port["name"] for port in service["spec"]["ports"]] for service in found)


def test_the_rules_are_those_of_the_files_plus_the_configured_annotations() -> None:
    base = "https://wiki.example.com/"
    options = ["--set=prometheusRule.additionalAnnotations.team=video", f"--set=prometheusRule.runbookBaseUrl={base}"]
    groups = only(rendered("films", *MONITORED, *options, values=MINIMAL), "PrometheusRule")["spec"]["groups"]
    plain = [
        group
        for file in ("recording.yaml", "alerts.yaml")
        for group in yaml.safe_load((CHART / "files" / file).read_text())["groups"]
    ]
    for rule in (rule for group in plain for rule in group["rules"] if "alert" in rule):
        rule["annotations"]["team"] = "video"
        rule["annotations"]["runbook_url"] = base + rule["annotations"]["runbook_url"]
    assert groups == plain


def test_the_dashboard_has_the_label_that_grafana_looks_for() -> None:
    dashboard = only(rendered("films", *MONITORED, values=MINIMAL), "ConfigMap", "-dashboard")
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["video-uploads.json"])["title"] == "Video uploads"
