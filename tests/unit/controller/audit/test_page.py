"""docs/operations.md describes the audit as the code has it."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from controller.audit.findings import FindingType
from controller.audit.limits import AuditRules
from controller.audit.metrics import AuditMetrics
from controller.settings import OperatorSettings

PAGE = (Path(__file__).parents[4] / "docs" / "operations.md").read_text().partition("\n## The audit\n")[2]


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, code marks removed."""
    below = PAGE.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    rows = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_every_finding_type_is_listed_in_the_order_of_the_code() -> None:
    assert [row[0] for row in table("What it finds")] == list(FindingType)


@pytest.mark.parametrize(("name", "default"), [row[:2] for row in table("What it may cost")])
def test_settings_have_these_defaults(name: str, default: str) -> None:
    assert OperatorSettings.model_fields[name.lower()].default == float(default)


def test_the_limit_of_one_run_is_documented() -> None:
    assert f"put into quarantine, {AuditRules().quarantined_per_audit:,} per run" in PAGE


def test_exactly_the_metrics_of_the_audit_are_listed() -> None:
    registry = CollectorRegistry()
    AuditMetrics(registry)
    shown = {f"{metric.name}{'_total' if metric.type == 'counter' else ''}" for metric in registry.collect()}
    assert {re.sub(r"\{.*", "", row[0]) for row in table("What to watch")} == shown
