"""The example for KEDA fits the chart and our metrics. Its own kind is not checked here."""

from typing import Any

import yaml

from devstack.paths import PROJECT_DIR
from tests.integration.charted import MINIMAL, only, rendered

EXAMPLE: dict[str, Any] = yaml.safe_load((PROJECT_DIR / "docs" / "examples" / "keda.yaml").read_text())


def test_the_example_scales_the_api_whose_number_of_replicas_the_chart_leaves_open() -> None:
    documents = rendered("videos", values=MINIMAL, more={"api": {"replicaCount": None}})
    target = EXAMPLE["spec"]["scaleTargetRef"]["name"]
    assert "replicas" not in only(documents, "Deployment", target)["spec"]
    assert only(documents, "Deployment", "-operator")["spec"]["replicas"] == 2
    assert "HorizontalPodAutoscaler" not in {document["kind"] for document in documents}


def test_the_example_asks_for_a_metric_that_the_api_has() -> None:
    (query,) = [
        trigger["metadata"]["query"] for trigger in EXAMPLE["spec"]["triggers"] if trigger["type"] == "prometheus"
    ]
    metric = query.partition("(")[2].partition("{")[0]
    assert f"| `{metric}` |" in (PROJECT_DIR / "docs" / "metrics.md").read_text()
