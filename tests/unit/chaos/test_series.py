"""Twenty runs in a row, in short."""

import json
from xml.etree import ElementTree as ET

import pytest

from chaos import series
from chaos.checker.report import as_json
from chaos.series import RunFigures, Times
from devstack.paths import PROJECT_DIR
from tests.unit.chaos.checker.worlds import a_world

PAGE = f"# Title\n\nWords.\n\n{series.BEGIN}\n\nold\n\n{series.END}\n\nMore words.\n"


def a_run(seed: int, *, passed: bool = True, **by_fault: Times) -> RunFigures:
    return RunFigures(
        seed=seed,
        uploads=200,
        passed=passed,
        seconds=181.6,
        converge=Times(3.04, 40.0, 52.0),
        by_fault=by_fault,
        jobs=150,
        uncertain=4,
        doubled=1,
        repairs=9,
        orphans=0,
    )


def test_a_report_is_read() -> None:
    run = RunFigures.of(json.loads(as_json(a_world(), [])))
    assert (run.seed, run.passed, run.orphans) == (1, True, 0)
    assert run.converge is not None
    assert set(run.by_fault) <= {"kill", "latency"}


def test_each_run_is_a_line() -> None:
    lines = series.table([a_run(1), a_run(2, passed=False)]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| 1 | passed | 182 | 3.0 | 40.0 | 52.0 | 150 |")
    assert lines[3].startswith("| 2 | **failed** |")


def test_a_fault_has_the_medians_of_its_runs_and_the_longest_of_all() -> None:
    runs = [a_run(1, kill=Times(1, 10, 11)), a_run(2, kill=Times(3, 30, 90)), a_run(3, kill=Times(2, 20, 21))]
    assert series.by_fault(runs) == {"kill": Times(2, 20, 90)}


@pytest.mark.parametrize("runs", [[], [a_run(1, kill=Times(1, 2, 3), cut=Times(0, 0, 0))]])
def test_the_chart_is_well_formed_and_names_each_fault(runs: list[RunFigures]) -> None:
    drawn = series.chart(runs)
    ET.fromstring(drawn)  # noqa: S314 - drawn here
    assert [kind in drawn for run in runs for kind in run.by_fault] == [True for run in runs for _ in run.by_fault]


def test_only_what_is_between_the_marks_is_replaced() -> None:
    written = series.page(PAGE, [a_run(1)], how="How.", chart_name="chaos.svg")
    assert written.startswith("# Title\n\nWords.\n\n")
    assert written.endswith("\n\nMore words.\n")
    assert "old" not in written
    assert series.page(written, [a_run(1)], how="How.", chart_name="chaos.svg") == written


def test_the_page_has_room_for_the_figures() -> None:
    series.page((PROJECT_DIR / "docs" / "chaos.md").read_text(), [a_run(1)], how="How.", chart_name="chaos.svg")
