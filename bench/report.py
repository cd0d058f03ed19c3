"""The report of a run: figures with their spread, Markdown tables, a chart, and the JSON that keeps every turn. Pure.

A turn is a mapping from labels to numbers; a label says what was counted and in which unit.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from bench import pages

Turn = Mapping[str, float]

BEGIN = "<!-- figures: `make bench` writes what follows -->"
END = "<!-- end of the figures -->"

_WIDTH, _NAME_WIDTH, _GAP = 900, 330, 12
_COLOURS = ("#1f6feb", "#d29922")


@dataclass(frozen=True)
class SideResult:
    """The turns of one row by side, and how they were taken. ``others``: cores that other programs used before."""

    name: str
    title: str
    note: str
    date: str
    machine: str
    is_quick: bool
    others: float
    turns: Mapping[str, Sequence[Turn]]
    wanted: Mapping[str, str]
    plotted: Sequence[str] = ()


@dataclass(frozen=True)
class Spread:
    """The median of some turns with the lowest and the highest."""

    middle: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise at least one value."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        """Return the median, and the ends in parentheses where they differ from it."""
        middle, lowest, highest = map(rounded, (self.middle, self.lowest, self.highest))
        return middle if lowest == highest else f"{middle} ({lowest} to {highest})"


def rounded(value: float) -> str:
    """Return a number with three significant digits, and no more decimals than that takes."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def spreads(result: SideResult, label: str) -> dict[str, Spread]:
    """Return the spread of one figure for each side that has it."""
    values = {side: [turn[label] for turn in turns if label in turn] for side, turns in result.turns.items()}
    return {side: Spread.of(some) for side, some in values.items() if some}


def labels(result: SideResult) -> list[str]:
    """Return the labels of a row in the order in which they first appear."""
    return list(dict.fromkeys(label for turns in result.turns.values() for turn in turns for label in turn))


def table(result: SideResult) -> str:
    """Return a Markdown table: one line for each figure, one column for each side, and the ratio if there are two."""
    sides = list(result.turns)
    is_compared = len(sides) == 2
    heads = ["", *sides, *(["ratio"] if is_compared else []), *(["wanted"] if result.wanted else [])]
    lines = list[list[str]]()
    for label in labels(result):
        found = spreads(result, label)
        cells = [label, *(str(found.get(side, "")) for side in sides)]
        if is_compared:
            cells.append(_ratio([found.get(side) for side in sides]))
        if result.wanted:
            cells.append(result.wanted.get(label, ""))
        lines.append(cells)
    return pages.table(heads, lines)


def _ratio(found: Sequence[Spread | None]) -> str:
    ours, peer = found
    return rounded(ours.middle / peer.middle) if ours and peer and peer.middle else ""


def section(result: SideResult) -> str:
    """Return the section of one row."""
    counts = {len(turns) for turns in result.turns.values()}
    turns = f"{max(counts)} turn{'' if max(counts) == 1 else 's'} a side" if counts else "no turns"
    how = f"{result.date}, {turns}{', a quick run' if result.is_quick else ''}"
    others = f"; **other programs used {rounded(result.others)} cores**" if result.others >= 0.1 else ""
    return f"### {result.title}\n\n{result.note}\n\n{table(result)}\n\n{how}{others}. `NAME={result.name}`"


def page(text: str, results: Sequence[SideResult], *, chart: str) -> str:
    """Return the page with new figures between its two marks; what people wrote around them stays."""
    machines = "\n".join(f"- {machine}" for machine in dict.fromkeys(result.machine for result in results))
    figures = "\n\n".join(map(section, results))
    drawn = f"![The most important figures]({chart})"
    return pages.replaced(text, f"{drawn}\n\n{machines}\n\n{figures}", begin=BEGIN, end=END)


def as_json(results: Sequence[SideResult]) -> str:
    """Return every turn as JSON."""
    return json.dumps([asdict(result) for result in results], indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> list[SideResult]:
    """Read what `as_json` wrote."""
    return [SideResult(**kept) for kept in json.loads(text)]


def merged(kept: Sequence[SideResult], taken: Sequence[SideResult], order: Sequence[str]) -> list[SideResult]:
    """Return the kept rows with those that were taken now in their place, in the order of the page."""
    rows = {result.name: result for result in [*kept, *taken]}
    return [rows[name] for name in order if name in rows]


def chart(results: Sequence[SideResult]) -> str:
    """Draw the plotted figures as an SVG: a bar for the median of each side, a line from its lowest to its highest.

    Each figure has a scale of its own.
    """
    parts: list[str] = []
    top = 34
    sides = list(dict.fromkeys(side for result in results if result.plotted for side in result.turns))
    for number, side in enumerate(sides):
        left = _NAME_WIDTH + 200 * number
        parts += [f'<rect x="{left}" y="8" width="12" height="12" fill="{_COLOURS[number % len(_COLOURS)]}"/>']
        parts += [pages.label(left + 18, 18, side)]
    for result in results:
        for label in result.plotted:
            found = spreads(result, label)
            if not found:
                continue
            axis = pages.Axis(_NAME_WIDTH, _WIDTH, max(spread.highest for spread in found.values()) or 1.0)
            parts.append(pages.label(8, top + pages.BAR_HEIGHT, f"{result.title}: {label}"))
            for side, spread in found.items():
                colour = _COLOURS[sides.index(side) % len(_COLOURS)]
                ends = spread.lowest, spread.highest
                parts += pages.bar(axis, spread.middle, ends, str(spread), top=top, colour=colour)
                top += pages.BAR_HEIGHT + 2
            top += _GAP
    return pages.svg(parts, width=_WIDTH, height=top)
