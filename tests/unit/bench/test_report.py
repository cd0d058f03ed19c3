"""The page that `make bench` writes."""

from dataclasses import replace

import pytest

from bench.report import (
    BEGIN,
    END,
    SideResult,
    as_json,
    chart,
    from_json,
    labels,
    merged,
    page,
    rounded,
    section,
    table,
)

CREATE = SideResult(
    name="create",
    title="Create",
    note="Rows and signatures.",
    date="2026-03-01",
    machine="2 cores",
    is_quick=False,
    others=0.0,
    turns={
        "ours": [{"per second": 300.0, "p50 ms": 5.0}, {"per second": 400.0, "p50 ms": 7.0}, {"per second": 350.0}],
        "peer": [{"per second": 200.0}, {"per second": 150.0}, {"per second": 175.0}],
    },
    wanted={"per second": "twice the peer"},
    plotted=["per second"],
)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.1434, "0.14"), (2.0, "2"), (12.345, "12.3"), (123.4, "123"), (20_000.0, "20,000")],
)
def test_a_number_has_the_digits_that_say_something(value: float, text: str) -> None:
    assert rounded(value) == text


def test_a_table_has_medians_with_their_spread_the_ratio_and_the_target() -> None:
    assert table(CREATE).splitlines() == [
        "|  | ours | peer | ratio | wanted |",
        "| --- | --- | --- | --- | --- |",
        "| per second | 350 (300 to 400) | 175 (150 to 200) | 2 | twice the peer |",
        "| p50 ms | 6 (5 to 7) |  |  |  |",
    ]


def test_one_side_alone_has_no_ratio() -> None:
    alone = replace(CREATE, turns={"ours": [{"per second": 3.0}]}, wanted={})

    assert table(alone).splitlines()[-1] == "| per second | 3 |"


def test_a_side_that_did_nothing_has_no_ratio() -> None:
    idle = replace(CREATE, turns={"ours": [{"lost": 0.0}], "peer": [{"lost": 0.0}]}, wanted={})

    assert table(idle).splitlines()[-1] == "| lost | 0 | 0 |  |"


def test_figures_stand_in_the_order_in_which_they_were_taken() -> None:
    assert labels(CREATE) == ["per second", "p50 ms"]


def test_a_section_says_when_it_was_measured_and_beside_what() -> None:
    last = section(replace(CREATE, is_quick=True, others=1.25)).splitlines()[-1]

    assert last == ("2026-03-01, 3 turns a side, a quick run; **other programs used 1.25 cores**. `NAME=create`")


def test_a_new_page_keeps_what_people_wrote_around_the_figures() -> None:
    written = page(f"# Before\n\n{BEGIN}\nold\n{END}\n\n## After\n", [CREATE], chart="chart.svg")

    assert written.startswith(f"# Before\n\n{BEGIN}\n\n![")
    assert written.endswith(f"`NAME=create`\n\n{END}\n\n## After\n")
    assert "- 2 cores\n" in written
    assert "old" not in written


def test_a_page_without_the_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="needs the lines"):
        page("# Benchmarks\n", [CREATE], chart="chart.svg")


def test_the_turns_come_back_from_json() -> None:
    assert from_json(as_json([CREATE])) == [CREATE]


def test_a_run_of_one_row_keeps_the_others_in_the_order_of_the_page() -> None:
    get, new = replace(CREATE, name="get"), replace(CREATE, date="2026-03-02")

    assert merged([CREATE, get], [new], ["get", "create", "flow"]) == [get, new]


def test_the_chart_has_a_bar_for_each_side() -> None:
    drawn = chart([CREATE])

    assert drawn.count("<path ") == 2
    assert "Create: per second" in drawn
    assert "350 (300 to 400)" in drawn
