"""docs/videoupload.md lists what exists, no more and no less."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crds.models import ConditionType
from domain.failures import ADVICE
from domain.reasons import FAILURE_REASONS
from domain.schedule import Timing
from domain.video import Phase, Reason
from tests.support.schema_facts import EVERYTHING, VERSION

PAGE = (Path(__file__).parents[3] / "docs" / "videoupload.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, code marks removed."""
    _, _, below = PAGE.partition(f"\n{heading}\n")
    rows = [line for line in below.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in row.strip("|").split("|")] for row in _first_block(rows)]


def _first_block(rows: list[str]) -> Iterator[str]:
    assert rows, "no table"
    headings = [number for number, row in enumerate(rows) if re.fullmatch(r"[|\s:-]+", row)]
    end = headings[1] - 1 if len(headings) > 1 else len(rows)
    yield from rows[headings[0] + 1 : end]


def column(heading: str, number: int = 0) -> list[str]:
    return [row[number] for row in table(heading)]


def test_every_phase_is_described() -> None:
    assert column("## Phases") == [phase.value for phase in Phase]


def test_deadlines_are_the_defaults() -> None:
    timing = Timing()
    seconds = [
        timing.pending_deadline_seconds,
        timing.uploading_deadline_seconds,
        timing.uploaded_deadline_seconds,
        timing.processing_deadline_seconds,
    ]
    units = {"h": 3600, "d": 24 * 3600}
    cells = [cell.split() for cell in column("## Phases", 2)]
    assert [int(cell[0]) * units[cell[1]] for cell in cells[:4]] == seconds
    assert cells[4:] == [["none"], ["none"]]


def test_every_reason_is_described() -> None:
    assert column("## Reasons") == [reason.value for reason in Reason]


def test_every_failure_is_described_with_what_to_do() -> None:
    assert table("### Failures") == [
        [FAILURE_REASONS[code], code.value, advice.stage.value, "yes" if advice.retryable else "no", advice.action]
        for code, advice in ADVICE.items()
    ]


def test_every_condition_is_described() -> None:
    assert column("## Conditions") == [kind.value for kind in ConditionType]


def test_every_field_of_spec_is_described_with_its_default() -> None:
    fields = {
        path.removeprefix(".spec."): row
        for path, row in EVERYTHING.items()
        if path.startswith(".spec.") and row["type"] != "object"
    }
    documented = {row[0]: row[1] for row in table("## Spec")}
    assert list(documented) == list(fields)
    for name, row in fields.items():
        default = row.get("default", "")
        if default != "":
            assert documented[name] == str(default).replace("False", "false")


def test_every_field_of_status_is_described() -> None:
    fields = [path.removeprefix(".status.") for path in EVERYTHING if re.fullmatch(r"\.status\.\w+", path)]
    assert column("## Status") == fields


def test_the_columns_of_the_example_are_the_columns() -> None:
    columns = [column["name"].upper() for column in VERSION["additionalPrinterColumns"] if not column.get("priority")]
    example = re.search(r"^NAME .*$", PAGE, re.MULTILINE)
    assert example is not None
    assert example.group().split() == ["NAME", *columns]


@pytest.mark.parametrize("selector", re.findall(r"--field-selector (\S+)=", PAGE))
def test_the_selectors_of_the_examples_exist(selector: str) -> None:
    assert f".{selector}" in {field["jsonPath"] for field in VERSION["selectableFields"]}
