"""The figures of several runs in a row: a table, a chart of the time to converge, and their place in the page. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bench import pages

BEGIN = "<!-- figures: `make chaos SEEDS=20` writes what follows -->"
END = "<!-- end of the figures -->"

_HEADS = (
    "seed", "result", "violations", "uploads", "seconds", "p50", "p99", "max",
    "jobs", "answers lost", "paid twice", "repairs", "orphans",
)  # fmt: skip
_LEGEND = (
    "Time to converge by fault, in seconds: of the uploads that met a fault of that kind, the medians of all runs' p50 "
    "(bar) and p99 (end of the line), and the longest of all."
)
_WIDTH, _NAME_WIDTH, _GAP = 720, 190, 6
_COLOUR = "#2f81f7"

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Times:
    """Seconds from a request until rest, of so many uploads."""

    p50: float
    p99: float
    longest: float
    uploads: int

    @classmethod
    def of(cls, spread: Json) -> "Times":
        """Read the checker's spread."""
        return cls(float(spread["p50"]), float(spread["p99"]), float(spread["max"]), spread["count"])


@dataclass(frozen=True)
class RunFigures:
    """What a report says in short. ``planned``: the uploads asked for; ``by_fault``: of those that met one."""

    seed: int
    planned: int
    uploads: int
    violations: int
    passed: bool
    ended_at: datetime
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
            planned=run["n"],
            uploads=figures["uploads"],
            violations=len(report["violations"]),
            passed=report["passed"],
            ended_at=datetime.fromtimestamp(run["ended_at"], UTC),
            seconds=run["ended_at"] - run["started_at"],
            converge=Times.of(figures["converge"]) if figures["converge"] else None,
            by_fault={kind: Times.of(spread) for kind, spread in figures["converge_by_fault"].items()},
            jobs=figures["jobs"],
            uncertain=figures["doubled"]["uncertain"],
            doubled=figures["doubled"]["jobs"],
            repairs=sum(figures["repairs"].values()),
            orphans=figures["orphans"],
        )


def command(runs: Sequence[RunFigures]) -> str:
    """Return the command that repeats these runs."""
    seeds, counts = [run.seed for run in runs], {run.planned for run in runs}
    if len(counts) > 1:
        return "`make chaos SEED=n N=uploads` for each line"
    (uploads,) = counts
    if seeds == [*range(seeds[0], seeds[0] + len(seeds))]:
        return f"`make chaos SEED={seeds[0]} SEEDS={len(seeds)} N={uploads}`"
    return f"`make chaos SEED=n N={uploads}` for each seed"


def table(runs: Sequence[RunFigures]) -> str:
    """Return a Markdown table with one line for each run."""
    return pages.table(_HEADS, map(_cells, runs))


def _cells(run: RunFigures) -> Iterable[object]:
    times = run.converge
    spread = ("", "", "") if times is None else (f"{one:.1f}" for one in (times.p50, times.p99, times.longest))
    result = "passed" if run.passed else "**failed**"
    counts = (run.jobs, run.uncertain, run.doubled, run.repairs, run.orphans)
    return run.seed, result, run.violations, run.uploads, f"{run.seconds:.0f}", *spread, *counts


def by_fault(runs: Sequence[RunFigures]) -> dict[str, Times]:
    """Return for each fault the medians of p50 and p99 over the runs, the longest of all, and the sum of uploads."""
    kinds = sorted({kind for run in runs for kind in run.by_fault})
    found = {kind: [run.by_fault[kind] for run in runs if kind in run.by_fault] for kind in kinds}
    return {
        kind: Times(
            median(one.p50 for one in some),
            median(one.p99 for one in some),
            max(one.longest for one in some),
            sum(one.uploads for one in some),
        )
        for kind, some in found.items()
    }


def chart(runs: Sequence[RunFigures]) -> str:
    """Draw the time to converge by fault as an SVG: a bar for the median, a line to p99, and the figures in words."""
    times = by_fault(runs)
    axis = pages.Axis(_NAME_WIDTH, _WIDTH, max((one.p99 for one in times.values()), default=1.0) or 1.0)
    parts, top = list[str](), 8
    for kind, one in times.items():
        words = f"{one.p50:.1f} / {one.p99:.1f} / {one.longest:.1f} s, {one.uploads}"
        parts.append(pages.label(8, top + pages.BAR_HEIGHT - 3, kind))
        parts += pages.bar(axis, one.p50, (one.p50, one.p99), words, top=top, colour=_COLOUR)
        top += pages.BAR_HEIGHT + _GAP
    return pages.svg(parts, width=_WIDTH, height=top)


def page(text: str, runs: Sequence[RunFigures], *, cores: int | None, chart_name: str) -> str:
    """Return the page with new figures between its two marks; what people wrote around them stays."""
    days = sorted({f"{run.ended_at:%Y-%m-%d}" for run in runs})
    how = f"{command(runs)}; {' to '.join(dict.fromkeys((days[0], days[-1])))}, {cores} cores. Times are in seconds."
    drawn = f"![Time to converge by fault]({chart_name})\n\n{_LEGEND}"
    return pages.replaced(text, f"{how}\n\n{table(runs)}\n\n{drawn}", begin=BEGIN, end=END)
