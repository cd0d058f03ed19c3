"""The chart's rules, checked by the real promtool: well formed, firing when they should, quiet otherwise."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.paths import PROJECT_DIR
from tests.integration.rules.cases import CASES, Case, Series
from tests.integration.rules.promtool import promtool

FILES = PROJECT_DIR / "charts" / "video-uploads" / "files"
RULES = (FILES / "alerts.yaml", FILES / "recording.yaml")


def expected(case: Case, series: Series, *, is_firing: bool) -> dict[str, Any]:
    """Return a test in promtool's own words."""
    firing = f'count by (alertname) (ALERTS{{alertname="{case.alert}",alertstate="firing"}})'
    samples = [{"labels": f'{{alertname="{case.alert}"}}', "value": 1}] if is_firing else []
    return {
        "name": f"{case.alert} {'fires' if is_firing else 'is quiet'}: {dict(series)}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": firing, "eval_time": case.at, "exp_samples": samples}],
    }


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules.stem)
def test_rules_are_well_formed(rules: Path) -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", str(rules))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_when_it_should_and_not_otherwise(tmp_path: Path) -> None:
    tests = [
        expected(case, series, is_firing=is_firing)
        for case in CASES
        for series, is_firing in ((case.fires, True), (case.quiet, False))
    ]
    file = tmp_path / "rules_test.yaml"
    file.write_text(
        yaml.safe_dump({"rule_files": [str(rules) for rules in RULES], "evaluation_interval": "1m", "tests": tests})
    )
    tested = promtool("test", "rules", str(file))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_has_both_cases() -> None:
    alerts = set(re.findall(r"^ +- alert: (\w+)$", RULES[0].read_text(), re.MULTILINE))
    assert alerts
    assert {case.alert for case in CASES} == alerts
