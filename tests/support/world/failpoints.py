"""Death at a named point of a step (controller/failpoints.py), and which lines of the effects led there."""

import sys
from functools import cache
from pathlib import Path

from tests.support.world.kill_switch import KilledError

EFFECTS = ("index", "lifecycle", "submission", "publication", "multipart", "source_fetch", "context", "relocation")


class Failpoints:
    """Remembers the points that were reached, in order, and dies once at ``deadly``."""

    def __init__(self) -> None:
        self.deadly: str | None = None
        self.points: list[str] = []
        self.lines: set[tuple[str, int]] = set()

    def reached(self, point: str) -> None:
        """Let one point pass."""
        self.points.append(point)
        self.lines |= _lines_above()
        if point == self.deadly:
            self.deadly = None
            raise KilledError(point)


@cache
def _module_in(file: str) -> str | None:
    """Return the module of effects that a file holds, None if it holds something else. There are few files."""
    path = Path(file)
    return path.stem if path.parent.name == "actions" and path.stem in EFFECTS else None


def _lines_above() -> set[tuple[str, int]]:
    """Return module and line of every frame of an effect that led here."""
    lines, frame = set(), sys._getframe(2)
    while frame is not None:
        module = _module_in(frame.f_code.co_filename)
        if module is not None:
            lines.add((module, frame.f_lineno))
        if frame.f_back is None:
            break
        frame = frame.f_back
    return lines
