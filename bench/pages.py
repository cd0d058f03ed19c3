"""What generated pages share: a Markdown table, the place between two marks, and bars in an SVG. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

BAR_HEIGHT = 14
GREY = "#8b949e"
# Room beside the longest bar for the figures in words.
_WORDS_WIDTH = 200


def table(heads: Sequence[object], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in (heads, ["---"] * len(heads), *rows))


def replaced(text: str, figures: str, *, begin: str, end: str) -> str:
    """Return the page with new figures between its two marks; what people wrote around them stays.

    Raises ValueError for a page without them.
    """
    before, begin_found, rest = text.partition(begin)
    _, end_found, after = rest.partition(end)
    if not begin_found or not end_found:
        raise ValueError(f"the page needs the lines {begin} and {end}")
    return f"{before}{begin}\n\n{figures}\n\n{end}{after}"


def label(left: float, bottom: float, words: str) -> str:
    """Return words in an SVG."""
    return f'<text x="{left}" y="{bottom}">{escape(words)}</text>'


@dataclass(frozen=True)
class Axis:
    """Where bars begin, the width of the drawing, and the value of the longest bar."""

    left: int
    width: int
    most: float

    def place(self, value: float) -> float:
        """Return where the bar of a value ends."""
        return self.left + round(value / self.most * (self.width - self.left - _WORDS_WIDTH), 1)


def bar(axis: Axis, value: float, line: tuple[float, float], words: str, *, top: int, colour: str) -> list[str]:
    """Draw a bar for a value, a line between two others, and words behind it."""
    middle, ends = top + BAR_HEIGHT / 2, (axis.place(line[0]), axis.place(line[1]))
    wide = f"{axis.place(value) - axis.left:.1f}"
    return [
        f'<rect x="{axis.left}" y="{top}" width="{wide}" height="{BAR_HEIGHT}" fill="{colour}"/>',
        f'<path d="M{ends[0]} {middle}H{ends[1]}" stroke="{GREY}" stroke-width="2"/>',
        label(ends[1] + 8, top + BAR_HEIGHT - 3, words),
    ]


def svg(parts: Iterable[str], *, width: int, height: int) -> str:
    """Return a drawing."""
    style = f"font-family:sans-serif;font-size:12px;fill:{GREY}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" style="{style}">'
    return "\n".join([head, *parts, "</svg>"]) + "\n"
