"""docs/metrics.md lists exactly the metrics that the processes export, with their labels."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from controller.audit.findings import Report
from controller.audit.metrics import FULL, SUCCESS, AuditMetrics
from controller.coconut.breaker import BreakerSnapshot, BreakerState
from controller.coconut.limiter import LimiterState
from controller.loop.pass_result import PassResult
from controller.loop.queue import QueueState
from controller.metrics.commits import CommitMetrics, PhaseDuration, Prices
from controller.metrics.registry import OperatorMetrics
from controller.settings import Settings
from database.stats import WorkingSetStats
from domain.video import Phase
from webapi.metrics import ApiMetrics

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
_ROW = re.compile(r"^\| `(\w+)` \| ([^|]*)\|", re.MULTILINE)

Exported = dict[str, tuple[str, ...]]


def documented(heading: str) -> Exported:
    """Return the names and labels in the table below a heading."""
    below = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {name: tuple(sorted(re.findall(r"`(\w+)`", labels))) for name, labels in _ROW.findall(below)}


def exported(registry: CollectorRegistry) -> Exported:
    """Return a registry's metrics and labels by their exported names, without those of the process itself."""
    exported_labels: dict[str, set[str]] = {}
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = exported_labels.setdefault(name, set())
        labels.update(label for sample in family.samples for label in sample.labels if label != "le")
    return {name: tuple(sorted(labels)) for name, labels in exported_labels.items() if not name.startswith("process_")}


def operator() -> CollectorRegistry:
    """Return all metrics of a leader, each used once: the client exports no labels before that."""
    metrics = OperatorMetrics(workers=2, prices=Prices(hd=1, sd=1))
    metrics.state.queue = lambda: QueueState(0, 0.0, ())
    metrics.state.limiter = lambda: LimiterState(BreakerSnapshot(BreakerState.CLOSED), 0, running=0)
    metrics.state.working_set = WorkingSetStats({}, {}, overdue=0, uncertain=0, paused=0, deliveries={})
    metrics.coconut_request("start", 201, 0.1)
    metrics.kubernetes_request("GET", 200)
    metrics.task_ended("resync", 0)
    metrics.pass_ended(PassResult.PANIC, 0.1)
    metrics.committed(CommitMetrics(stay=PhaseDuration(Phase.UPLOADING, 1.0)))
    AuditMetrics(metrics.registry).run_ended(FULL, Report(), result=SUCCESS)
    return metrics.registry


def api() -> CollectorRegistry:
    """Return all metrics of the API, each used once."""
    metrics = ApiMetrics()
    metrics.request_seconds.labels("GET", "/livez", 200)
    metrics.published.labels("applied")
    return metrics.registry


@pytest.mark.parametrize(
    ("heading", "registry"),
    [
        pytest.param("The operator", operator(), id="operator"),
        pytest.param("The API", api(), id="api"),
    ],
)
def test_the_page_and_the_process_have_the_same_metrics(heading: str, registry: CollectorRegistry) -> None:
    assert documented(heading) == exported(registry)


@pytest.mark.parametrize(("name", "default"), re.findall(r"`(COCONUT_\w+)` \(([\d.]+)\)", " ".join(PAGE.split())))
def test_prices_have_these_defaults(name: str, default: str) -> None:
    assert Settings.model_fields[name.lower()].default == float(default)
