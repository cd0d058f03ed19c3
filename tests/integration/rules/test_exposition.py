"""What both processes export, in the hands of the real promtool."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.integration.rules.test_rules import promtool
from tests.unit.test_metrics_page import api, operator


@pytest.mark.parametrize("registry", [pytest.param(operator(), id="operator"), pytest.param(api(), id="api")])
def test_names_units_and_help_are_as_prometheus_wants_them(registry: CollectorRegistry) -> None:
    checked = promtool("check", "metrics", told=generate_latest(registry).decode())
    assert checked.returncode == 0, checked.stdout + checked.stderr
