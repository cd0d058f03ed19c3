"""`python -m chaos --seed S --uploads N`: runs under faults, judged by the checker. Exits with its status."""

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from chaos.installation import installation
from chaos.journal import Journal
from chaos.page import REPORT, read, write
from chaos.run import carry_out, judge, state_directory
from chaos.schedule import schedule
from chaos.series import RunFigures
from devstack.child_environment import bypass_proxies
from devstack.paths import DEFAULT_STATE_DIR
from devstack.skewed_clock import PACKAGE, library


def main() -> int:
    """Run each seed, print its report, and return the first status that is not 0."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--uploads", type=int, default=200, metavar="N")
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="COUNT", help="so many in a row; several are written to docs/chaos.md"
    )
    parser.add_argument("--directory", type=Path, metavar="DIR", help="the runs' directory; it is emptied first")
    chosen = parser.parse_args()
    bypass_proxies()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server is stopped
    runs: list[RunFigures] = []
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        directory = (chosen.directory or DEFAULT_STATE_DIR / "chaos" / f"{seed}-{chosen.uploads}").resolve()
        shutil.rmtree(directory, ignore_errors=True)
        status = run(seed, chosen.uploads, directory)
        if chosen.seeds > 1 and (directory / REPORT).exists():
            runs.append(read(directory))
            write(runs)
        if status != 0:
            return status
    return 0


def run(seed: int, uploads: int, directory: Path) -> int:
    """Make one run in a directory, and return the checker's status. A run that passed leaves no data of servers."""
    has_library = library() is not None
    if not has_library:
        print(f"no clock is shifted: the package {PACKAGE} is not installed", flush=True)
    planned, began = schedule(seed, uploads, with_clocks=has_library), time.monotonic()
    print(f"seed {seed}: {uploads} uploads, {len(planned.faults)} faults in {planned.seconds:.0f} s", flush=True)
    with installation(state_directory(directory)) as installed:
        carry_out(installed, Journal(directory), planned, seed=seed)
        print(f"seed {seed}: at rest after {time.monotonic() - began:.0f} s", flush=True)
        status = judge(directory)
    if status == 0:
        shutil.rmtree(state_directory(directory))
    return status


if __name__ == "__main__":
    sys.exit(main())
