"""Lines and progress bars. A bar moves in a terminal; elsewhere each quarter is a line."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from videoupload.streams import discard

_BAR_WIDTH = 24
_FRAME_SECONDS = 0.1
_QUARTER = 25
_CLEAR_LINE = "\r\x1b[K"


@dataclass(frozen=True)
class _Bar:
    label: str
    percent: int
    detail: str

    @property
    def text(self) -> str:
        done = self.percent * _BAR_WIDTH // 100
        return f"{self.label:<11} [{'#' * done}{'.' * (_BAR_WIDTH - done)}] {self.percent:3d} %  {self.detail}".rstrip()


class Screen:
    """Writes lines, and at most one progress bar below them."""

    def __init__(
        self, out: TextIO, *, is_terminal: bool | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._is_terminal = out.isatty() if is_terminal is None else is_terminal
        self._clock = clock
        self._bar: _Bar | None = None
        self._drawn_at = -1.0
        self._quarters: dict[str, int] = {}

    def line(self, text: str = "") -> None:
        """Write a line above the bar."""
        self._write(f"{_CLEAR_LINE if self._is_drawn else ''}{text}\n")
        self._draw()

    def bar(self, label: str, percent: int, detail: str = "") -> None:
        """Show progress. It may be called at any rate."""
        self._bar = _Bar(label, max(0, min(100, percent)), detail)
        if not self._is_terminal:
            self._write_quarter(self._bar)
        elif self._clock() - self._drawn_at >= _FRAME_SECONDS:
            self._draw()

    def end_bar(self) -> None:
        """Keep the bar as a line and continue below it."""
        if self._is_drawn and self._bar is not None:
            self._write(f"{_CLEAR_LINE}{self._clipped(self._bar.text)}\n")
        self._bar = None

    @property
    def _is_drawn(self) -> bool:
        return self._is_terminal and self._bar is not None

    def _draw(self) -> None:
        if self._is_drawn and self._bar is not None:
            self._drawn_at = self._clock()
            self._write(f"{_CLEAR_LINE}{self._clipped(self._bar.text)}")

    def _write_quarter(self, bar: _Bar) -> None:
        quarter = bar.percent // _QUARTER
        if quarter > self._quarters.get(bar.label, 0):
            self._quarters[bar.label] = quarter
            self._write(f"{bar.label:<11} {bar.percent:3d} %  {bar.detail}".rstrip() + "\n")

    def _clipped(self, text: str) -> str:
        # A line that wraps cannot be overwritten.
        return text[: shutil.get_terminal_size().columns - 1]

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:
            # A closed pipe or a full disk must not end the upload whose progress this is.
            discard(self._out)
