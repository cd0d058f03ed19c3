"""Alerts, their runbooks, the dashboard and docs/metrics.md speak of the same things."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.audit.findings import FindingType

PROJECT = Path(__file__).parents[2]
FILES = PROJECT / "charts" / "video-uploads" / "files"
RUNBOOKS = PROJECT / "docs" / "runbooks"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
# The series that Prometheus makes of a histogram.
_SUFFIX = re.compile(r"_(bucket|count|sum)$")


def rules(file: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load((FILES / file).read_text())["groups"] for rule in group["rules"]]


ALERTS = [rule for rule in rules("alerts.yaml") if "alert" in rule]
RECORDED = {rule["record"] for rule in rules("recording.yaml")}
DOCUMENTED = set(re.findall(r"^\| `(\w+)` \|", (PROJECT / "docs" / "metrics.md").read_text(), re.MULTILINE))
PANELS = json.loads((FILES / "dashboards" / "video-uploads.json").read_text())["panels"]
EXPRESSIONS = [
    *(pytest.param(rule["expr"], id=rule.get("alert") or rule["record"]) for rule in ALERTS + rules("recording.yaml")),
    *(pytest.param(target["expr"], id=panel["title"]) for panel in PANELS for target in panel.get("targets", ())),
]


def metrics_of(expression: str) -> set[str]:
    """Return the names of series in an expression: what is not between braces or brackets and has an underscore."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|on) \([^)]*\)", "", expression)
    functions = {"histogram_quantile", "min_over_time"}
    return {name for name in re.findall(r"[a-z][a-z0-9_:]*_[a-z0-9_:]+", bare) if name not in functions}


def test_each_alert_has_a_page_and_each_page_an_alert() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_has_its_severity_and_its_runbook(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert (PROJECT / rule["annotations"]["runbook_url"]).resolve() == RUNBOOKS / f"{rule['alert']}.md"


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_a_page_has_its_sections_and_needs_no_database_client(rule: dict[str, Any]) -> None:
    page = (RUNBOOKS / f"{rule['alert']}.md").read_text()
    assert page.splitlines()[0] == f"# {rule['alert']}"
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == SECTIONS
    assert not re.search(r"\b(SELECT|psql)\b", page)
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert (RUNBOOKS / link).exists(), link


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_in_an_expression_is_documented(expression: str) -> None:
    names = {_SUFFIX.sub("", name) if name not in DOCUMENTED else name for name in metrics_of(expression)}
    assert names
    assert names <= DOCUMENTED | RECORDED


def test_alerts_on_findings_name_existing_findings() -> None:
    kinds = re.findall(r'finding=~?"([a-z_|]+)"', (FILES / "alerts.yaml").read_text())
    assert kinds
    assert {word for words in kinds for word in words.split("|")} <= set(FindingType)
