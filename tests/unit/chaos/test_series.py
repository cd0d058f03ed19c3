"""Twenty runs in a row, in short."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from chaos import page, series
from chaos.checker.report import as_json
from chaos.series import RunFigures, Times
from tests.unit.chaos.checker.worlds import a_world

PAGE = f"# Title\n\nWords.\n\n{series.BEGIN}\n\nold\n\n{series.END}\n\nMore words.\n"


def a_run(seed: int, **values: Any) -> RunFigures:
    usual: dict[str, Any] = {
        "planned": 200,
        "uploads": 210,
        "violations": 0,
        "passed": True,
        "ended_at": datetime(2026, 11, 30, 12, tzinfo=UTC),
        "seconds": 181.6,
        "converge": Times(3.04, 40.0, 52.0, 190),
        "by_fault": {},
        "jobs": 150,
        "uncertain": 4,
        "doubled": 1,
        "repairs": 9,
        "orphans": 0,
    }
    return RunFigures(seed=seed, **usual | values)


def write_a_report(directory: Path, *, seed: int) -> Path:
    directory.mkdir()
    report = json.loads(as_json(a_world(), []))
    report["run"]["seed"] = seed
    (directory / page.REPORT).write_text(json.dumps(report))
    return directory


def test_a_report_is_read() -> None:
    run = RunFigures.of(json.loads(as_json(a_world(), [])))
    assert (run.seed, run.passed, run.violations, run.orphans) == (1, True, 0, 0)
    assert run.converge is not None
    assert set(run.by_fault) <= {"kill", "latency"}


def test_each_run_is_a_line() -> None:
    lines = series.table([a_run(1), a_run(2, passed=False, violations=3)]).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| 1 | passed | 0 | 210 | 182 | 3.0 | 40.0 | 52.0 | 150 |")
    assert lines[3].startswith("| 2 | **failed** | 3 |")


def test_a_fault_has_the_medians_of_its_runs_and_the_longest_of_all() -> None:
    kills = [Times(1, 10, 11, 5), Times(3, 30, 90, 6), Times(2, 20, 21, 7)]
    runs = [a_run(seed, by_fault={"kill": kill}) for seed, kill in enumerate(kills)]
    assert series.by_fault([*runs, a_run(4)]) == {"kill": Times(2, 20, 90, 18)}


SOME_FAULTS = {"kill": Times(1, 2, 3, 4), "cut": Times(0, 0, 0, 1)}


@pytest.mark.parametrize("runs", [[], [a_run(1, by_fault=SOME_FAULTS)]], ids=["none", "one"])
def test_the_chart_is_well_formed_and_names_each_fault(runs: list[RunFigures]) -> None:
    drawn = series.chart(runs)
    ET.fromstring(drawn)  # noqa: S314 - drawn here
    assert [kind in drawn for run in runs for kind in run.by_fault] == [True for run in runs for _ in run.by_fault]


@pytest.mark.parametrize(
    ("runs", "command"),
    [
        pytest.param([a_run(1), a_run(2)], "`make chaos SEED=1 SEEDS=2 N=200`", id="in-a-row"),
        pytest.param([a_run(1), a_run(4)], "`make chaos SEED=n N=200` for each seed", id="with-gaps"),
        pytest.param([a_run(1), a_run(2, planned=40)], "`make chaos SEED=n N=uploads` for each line", id="mixed"),
    ],
)
def test_the_page_names_the_command_that_repeats_its_runs(runs: list[RunFigures], command: str) -> None:
    assert series.command(runs) == command


def test_only_what_is_between_the_marks_is_replaced() -> None:
    written = series.page(PAGE, [a_run(1)], cores=2, chart_name="chaos.svg")
    assert written.startswith("# Title\n\nWords.\n\n")
    assert written.endswith("\n\nMore words.\n")
    assert "old" not in written
    assert "`make chaos SEED=1 SEEDS=1 N=200`; 2026-11-30, 2 cores." in written
    assert series.page(written, [a_run(1)], cores=2, chart_name="chaos.svg") == written


def test_the_page_has_room_for_the_figures() -> None:
    series.page(page.PAGE.read_text(), [a_run(1)], cores=2, chart_name="chaos.svg")


def test_the_page_is_built_from_the_directories_of_earlier_runs(tmp_path: Path) -> None:
    directories = [write_a_report(tmp_path / str(seed), seed=seed) for seed in (8, 7)]
    page_file, chart_file = tmp_path / "page.md", tmp_path / "chart.svg"
    page_file.write_text(PAGE)

    assert page.main([*map(str, directories)], page_file=page_file, chart_file=chart_file) == 0
    lines = [line for line in page_file.read_text().splitlines() if "| passed |" in line]
    assert [line.split(" | ")[0] for line in lines] == ["| 7", "| 8"]
    assert "kill" in chart_file.read_text()


def test_a_directory_without_a_report_leaves_the_page_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page_file = tmp_path / "page.md"
    page_file.write_text(PAGE)
    reported = write_a_report(tmp_path / "1", seed=1)

    with pytest.raises(SystemExit):
        page.main([str(reported), str(tmp_path / "2")], page_file=page_file, chart_file=tmp_path / "chart.svg")
    assert str(tmp_path / "2") in capsys.readouterr().err
    assert page_file.read_text() == PAGE
