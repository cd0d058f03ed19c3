"""docs/metrics.md lists exactly the metrics that the processes export, with their labels."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from controller.settings import OperatorSettings
from tests.support.registries import api_registry, operator_registry

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


@pytest.mark.parametrize(
    ("heading", "registry"),
    [
        pytest.param("The operator", operator_registry(), id="operator"),
        pytest.param("The API", api_registry(), id="api"),
    ],
)
def test_the_page_and_the_process_have_the_same_metrics(heading: str, registry: CollectorRegistry) -> None:
    assert documented(heading) == exported(registry)


@pytest.mark.parametrize(("name", "default"), re.findall(r"`(COCONUT_\w+)` \(([\d.]+)\)", " ".join(PAGE.split())))
def test_prices_have_these_defaults(name: str, default: str) -> None:
    assert OperatorSettings.model_fields[name.lower()].default == float(default)
