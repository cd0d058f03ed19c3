"""The figures of several runs in a row: a table, a chart of the time to converge, and their place in the page. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from xml.sax.saxutils import escape

BEGIN = "<!-- figures: `make chaos SEEDS=20` writes what follows -->"
END = "<!-- end of the figures -->"

_HEADS = ("seed", "result", "seconds", "p50", "p99", "max", "jobs", "answers lost", "paid twice", "repairs", "orphans")
_WIDTH, _NAME_WIDTH, _BAR, _GAP = 720, 190, 14, 6
_COLOUR, _GREY = "#2f81f7", "#8b949e"

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Times:
    """Seconds from a request until rest."""

    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, spread: Json) -> "Times":
        """Read the checker's spread."""
        return cls(float(spread["p50"]), float(spread["p99"]), float(spread["max"]))


@dataclass(frozen=True)
class RunFigures:
    """What a report says in short. ``by_fault``: of the uploads that met a fault of that kind."""

    seed: int
    uploads: int
    passed: bool
    seconds: float
    converge: Times | None
    by_fault: Mapping[str, Times]
    jobs: int
    uncertain: int
    doubled: int
    repairs: int
    orphans: int

    @classmethod
    def of(cls, report: Json) -> "RunFigures":
        """Read the checker's report.json."""
        run, figures = report["run"], report["figures"]
        return cls(
            seed=run["seed"],
            uploads=run["n"],
            passed=report["passed"],
            seconds=run["ended_at"] - run["started_at"],
            converge=Times.of(figures["converge"]) if figures["converge"] else None,
            by_fault={kind: Times.of(spread) for kind, spread in figures["converge_by_fault"].items()},
            jobs=figures["jobs"],
            uncertain=figures["doubled"]["uncertain"],
            doubled=figures["doubled"]["jobs"],
            repairs=sum(figures["repairs"].values()),
            orphans=figures["orphans"],
        )


def table(runs: Sequence[RunFigures]) -> str:
    """Return a Markdown table with one line for each run."""
    lines = [_HEADS, ["---"] * len(_HEADS), *map(_cells, runs)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _cells(run: RunFigures) -> Iterable[object]:
    times = run.converge
    spread = ("", "", "") if times is None else (f"{one:.1f}" for one in (times.p50, times.p99, times.longest))
    result = "passed" if run.passed else "**failed**"
    counts = (run.jobs, run.uncertain, run.doubled, run.repairs, run.orphans)
    return run.seed, result, f"{run.seconds:.0f}", *spread, *counts


def by_fault(runs: Sequence[RunFigures]) -> dict[str, Times]:
    """Return for each fault the medians of p50 and p99 over the runs, and the longest of all."""
    kinds = sorted({kind for run in runs for kind in run.by_fault})
    found = {kind: [run.by_fault[kind] for run in runs if kind in run.by_fault] for kind in kinds}
    return {
        kind: Times(median(one.p50 for one in some), median(one.p99 for one in some), max(one.longest for one in some))
        for kind, some in found.items()
    }


def chart(runs: Sequence[RunFigures]) -> str:
    """Draw the time to converge by fault as an SVG: a bar for the median, a line to p99, a tick at the longest."""
    times = by_fault(runs)
    most = max((one.longest for one in times.values()), default=1.0) or 1.0
    parts, top = list[str](), 8
    for kind, one in times.items():
        at_p50, at_p99, at_longest = (
            _NAME_WIDTH + round(value / most * (_WIDTH - _NAME_WIDTH - 170), 1)
            for value in (one.p50, one.p99, one.longest)
        )
        middle = top + _BAR / 2
        parts += [
            f'<text x="8" y="{top + _BAR - 3}">{escape(kind)}</text>',
            f'<rect x="{_NAME_WIDTH}" y="{top}" width="{at_p50 - _NAME_WIDTH:.1f}" height="{_BAR}" fill="{_COLOUR}"/>',
            f'<path d="M{at_p50} {middle}H{at_p99}M{at_longest} {top}v{_BAR}" stroke="{_GREY}" stroke-width="2"/>',
            f'<text x="{at_longest + 8}" y="{top + _BAR - 3}">'
            f"{one.p50:.1f} / {one.p99:.1f} / {one.longest:.1f} s</text>",
        ]
        top += _BAR + _GAP
    style = f"font-family:sans-serif;font-size:12px;fill:{_GREY}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top}" style="{style}">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def page(text: str, runs: Sequence[RunFigures], *, how: str, chart_name: str) -> str:
    """Return the page with new figures between its two marks; what people wrote around them stays."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {BEGIN} and {END}")
    legend = "Time to converge by fault: median and p99 of the runs, and the longest of all"
    return f"{before}{BEGIN}\n\n{how}\n\n{table(runs)}\n\n![{legend}]({chart_name})\n\n{legend}.\n\n{END}{after}"
