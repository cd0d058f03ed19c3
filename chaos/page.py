"""`python -m chaos.page DIR...`: write the figures of runs that were made before to docs/chaos.md, and their chart."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chaos.series import RunFigures, chart, page
from devstack.paths import PROJECT_DIR

REPORT = "report.json"
PAGE = PROJECT_DIR / "docs" / "chaos.md"
CHART = PROJECT_DIR / "docs" / "chaos.svg"


def main(arguments: Sequence[str] | None = None, *, page_file: Path = PAGE, chart_file: Path = CHART) -> int:
    """Read each directory's report, write the page, and return 0. It counts the cores of this machine."""
    parser = argparse.ArgumentParser(prog="python -m chaos.page", description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path, metavar="DIR", help="of a run, with the checker's report")
    directories: list[Path] = parser.parse_args(arguments).directories
    missing = [str(directory) for directory in directories if not (directory / REPORT).exists()]
    if missing:
        parser.error(f"without a {REPORT}: {', '.join(missing)}")
    write([read(directory) for directory in directories], page_file=page_file, chart_file=chart_file)
    return 0


def read(directory: Path) -> RunFigures:
    """Read the figures of a run from its directory."""
    return RunFigures.of(json.loads((directory / REPORT).read_text()))


def write(runs: Sequence[RunFigures], *, page_file: Path = PAGE, chart_file: Path = CHART) -> None:
    """Write the page and the chart anew from at least one run."""
    ordered = sorted(runs, key=lambda run: run.seed)
    written = page(page_file.read_text(), ordered, cores=os.cpu_count(), chart_name=chart_file.name)
    chart_file.write_text(chart(ordered))
    page_file.write_text(written)


if __name__ == "__main__":
    sys.exit(main())
