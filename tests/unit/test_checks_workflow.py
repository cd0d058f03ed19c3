"""The workflow that every change has to pass: what it runs, and that it may do nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from devstack.paths import PROJECT_DIR

FILE = PROJECT_DIR / ".github" / "workflows" / "checks.yml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text())
STEPS: list[dict[str, str]] = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
MAKEFILE = (PROJECT_DIR / "Makefile").read_text()


def test_it_runs_for_every_change_and_may_only_read() -> None:
    # YAML 1.1 reads the key `on` as true.
    assert WORKFLOW[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in WORKFLOW["jobs"].values())
    assert "secrets." not in FILE.read_text()


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/.-]+@[0-9a-f]{40}", action)] == []


@pytest.mark.parametrize(
    "test",
    [
        pytest.param("unit/lives/test_spending_machine.py", id="no-calls-buy-more-than-the-limit"),
        pytest.param("integration/test_spending_over_the_api.py", id="nor-over-http-on-postgres"),
        pytest.param("unit/test_text_sinks.py", id="titles-and-names-through-every-sink"),
        pytest.param("integration/test_kube_client.py", id="and-through-the-real-api-server"),
        pytest.param("integration/test_frozen_upstreams.py", id="every-call-while-each-dependency-hangs"),
        pytest.param("integration/test_frozen_operator.py", id="and-the-operator"),
    ],
)
def test_what_would_have_found_the_faults_is_run(test: str) -> None:
    assert (Path(__file__).parents[1] / test).is_file()
    kind = test.partition("/")[0]
    target = {"unit": "check", "integration": "integration"}[kind]
    assert f"make {target}" in [step.get("run") for step in STEPS]
    assert re.search(rf"^\t\$\(RUN\) pytest tests/{kind} --numprocesses=2 [\w=-]+$", MAKEFILE, re.MULTILINE)
