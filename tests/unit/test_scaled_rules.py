"""Rules that a test shortens differ from the chart's in their durations only."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.scaled_rules import scaled_rules

FILES = Path(__file__).parents[2] / "charts" / "video-uploads" / "files"


def rule_of(text: str) -> dict[str, Any]:
    rule: dict[str, Any] = yaml.safe_load(text)["groups"][0]["rules"][0]
    return rule


def a_file(expression: str, lasting: str | None = None) -> str:
    rule = {"alert": "A", "expr": expression, **({"for": lasting} if lasting else {})}
    return yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("increase(a[15m]) > 5", "increase(a[15s]) > 5", id="a-range"),
        pytest.param("rate(a[1h]) / rate(b[6h])", "rate(a[60s]) / rate(b[360s])", id="two"),
        pytest.param("increase(a[1d]) > 1", "increase(a[1440s]) > 1", id="days"),
        pytest.param("rate(a[30s])", "rate(a[5s])", id="never-too-short-for-a-rate"),
        pytest.param('a{b="[5m"} > 300', 'a{b="[5m"} > 300', id="what-is-compared-stays"),
    ],
)
def test_ranges_are_shortened(before: str, after: str) -> None:
    assert rule_of(scaled_rules(a_file(before), 1 / 60))["expr"] == after


@pytest.mark.parametrize(("before", "after"), [("15m", "15s"), ("1m", "5s"), (None, None)])
def test_waiting_is_shortened(before: str | None, after: str | None) -> None:
    assert rule_of(scaled_rules(a_file("a", before), 1 / 60)).get("for") == after


@pytest.mark.parametrize("file", ["alerts.yaml", "recording.yaml"])
def test_the_charts_own_rules_keep_everything_else(file: str) -> None:
    text = (FILES / file).read_text()
    assert without_durations(scaled_rules(text, 1 / 60)) == without_durations(text)


def without_durations(text: str) -> list[dict[str, Any]]:
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    return [{**rule, "expr": re.sub(r"\[\d+[smhd]\]", "", rule["expr"]), "for": "for" in rule} for rule in rules]
