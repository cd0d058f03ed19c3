"""`python -m bench`: this service beside the peer in one run, written to docs/benchmarks.md.

With `--quick` it takes less than three minutes; with names it takes only those rows and keeps the others.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import threading
import tomllib
import traceback
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psycopg

from bench.report import SideResult, Turn, as_json, chart, from_json, merged, page
from bench.rows import FULL, QUICK, ROWS, Row, Size, printable
from bench.sides import PEER, Bench, both_sides, missing_for_peer
from bench.usage import machine_cpu_seconds
from devstack.paths import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "benchmarks.md"
TURNS = PROJECT_DIR / "docs" / "benchmarks.json"
CHART = PROJECT_DIR / "docs" / "benchmarks.svg"
_QUIET_SECONDS = 2.0
_LIBRARIES = ("falcon", "gunicorn", "psycopg", "kopf", "boto3")


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(row.name for row in ROWS))
    parser.add_argument("--quick", action="store_true", help="fewer turns and videos, and not every row")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no row is called {', '.join(sorted(unknown))}")
    rows = [row for row in ROWS if _is_wanted(row, chosen.names, is_quick=chosen.quick)]
    missing = missing_for_peer()
    if missing is not None:
        print(f"{PEER} is left out: {missing} is not installed (bench/peers/rails-sidekiq/install.sh)", flush=True)
    others = _busy_cores()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server is stopped
    with both_sides(with_peer=missing is None) as bench:
        machine = _machine(bench)
        print(machine, flush=True)
        for row in rows:
            size = QUICK if chosen.quick else FULL
            for taken in _taken(row, bench, size, machine, others=others, is_quick=chosen.quick):
                _write(taken)
    print(f"written: {PAGE.relative_to(PROJECT_DIR)}")
    return 0


def _is_wanted(row: Row, names: list[str], *, is_quick: bool) -> bool:
    """Return whether a run takes a row: those that are named, or all, or those of a quick run."""
    return row.name in names if names else row.is_quick or not is_quick


def _taken(row: Row, bench: Bench, size: Size, machine: str, *, others: float, is_quick: bool) -> Iterator[SideResult]:
    """Yield the row after each of its turns, so that a run that is ended early loses none of them."""
    turns: dict[str, list[Turn]] = defaultdict(list)
    try:
        for side, turn in row.take(bench, size):
            turns[side].append(turn)
            print(f"{row.name:<10} {side:<16} {printable(turn)}", flush=True)
            yield SideResult(
                name=row.name,
                title=row.title,
                note=row.note,
                date=f"{datetime.now(UTC):%Y-%m-%d}",
                machine=machine,
                is_quick=is_quick,
                others=others,
                turns=dict(turns),
                wanted=row.wanted,
                plotted=row.plotted,
            )
    except Exception:
        # The turns so far are figures, and so are the other rows.
        print(f"{row.name}: not every turn was taken", flush=True)
        traceback.print_exc()


def _busy_cores() -> float:
    """Return how many cores other programs use before anything starts."""
    before = machine_cpu_seconds()
    threading.Event().wait(_QUIET_SECONDS)
    return (machine_cpu_seconds() - before) / _QUIET_SECONDS


def _write(taken: SideResult) -> None:
    kept = from_json(TURNS.read_text()) if TURNS.exists() else []
    results = merged(kept, [taken], [row.name for row in ROWS])
    TURNS.write_text(as_json(results))
    CHART.write_text(chart(results))
    PAGE.write_text(page(PAGE.read_text(), results, chart=CHART.name))


def _machine(bench: Bench) -> str:
    """Return the cores and the versions of what was measured."""
    own = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"]["version"]
    commit = _output("git", "rev-parse", "--short", "HEAD")
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    with psycopg.connect(bench.ours.database_url) as connection:
        postgres = f"PostgreSQL {connection.info.server_version // 10_000}"
    ours = (
        f"{os.cpu_count()} cores; release {own} ({commit}), Python {platform.python_version()}, {libraries}, {postgres}"
    )
    if bench.peer is None:
        return ours
    names = "%w[railties puma sidekiq].map { |name| name + ' ' + Gem::Specification.find_by_name(name).version.to_s }"
    gems = _output("ruby", "-e", f"print {names}.join(', ')")
    return f"{ours}; Ruby {_output('ruby', '-e', 'print RUBY_VERSION')}, {gems}, PostgreSQL {_peer_postgres()}"


def _peer_postgres() -> str:
    return max(path.parent.name for path in Path("/usr/lib/postgresql").glob("*/bin"))


def _output(*argv: str) -> str:
    return subprocess.run(argv, cwd=PROJECT_DIR, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
