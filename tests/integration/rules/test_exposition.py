"""The metrics of both processes, checked by the real promtool."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from tests.integration.rules.promtool import promtool
from tests.support.registries import api_registry, operator_registry


@pytest.mark.parametrize(
    "registry",
    [pytest.param(operator_registry(), id="operator"), pytest.param(api_registry(), id="api")],
)
def test_names_units_and_help_pass_promtools_lint(registry: CollectorRegistry) -> None:
    checked = promtool("check", "metrics", stdin=generate_latest(registry).decode())
    assert checked.returncode == 0, checked.stdout + checked.stderr
