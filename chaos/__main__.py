"""`python -m chaos --seed S --uploads N`: one run under faults, judged by the checker. Exits with its status."""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from chaos.installation import installation
from chaos.journal import Journal
from chaos.run import carry_out, state_directory
from chaos.schedule import schedule
from devstack.child_environment import bypass_proxies
from devstack.paths import DEFAULT_STATE_DIR, PROJECT_DIR


def main() -> int:
    """Run, print the report, and return the checker's status."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--uploads", type=int, default=200, metavar="N")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="the run's directory; it is emptied first")
    chosen = parser.parse_args()
    directory = chosen.directory or DEFAULT_STATE_DIR / "chaos" / f"{chosen.seed}-{chosen.uploads}"
    shutil.rmtree(directory, ignore_errors=True)
    bypass_proxies()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server is stopped
    return run(chosen.seed, chosen.uploads, directory.resolve())


def run(seed: int, uploads: int, directory: Path) -> int:
    """Make one run in a directory, and return the checker's status. A run that passed leaves no data of servers."""
    planned, began = schedule(seed, uploads), time.monotonic()
    print(f"seed {seed}: {uploads} uploads, {len(planned.faults)} faults in {planned.seconds:.0f} s", flush=True)
    with installation(state_directory(directory)) as installed:
        carry_out(installed, Journal(directory), planned, seed=seed)
        print(f"seed {seed}: at rest after {time.monotonic() - began:.0f} s", flush=True)
        checked = subprocess.run([sys.executable, "-m", "chaos.checker", str(directory)], cwd=PROJECT_DIR, check=False)
    report = directory / "report.md"
    if report.exists():
        print(report.read_text(), flush=True)
    if checked.returncode == 0:
        shutil.rmtree(state_directory(directory))
    return checked.returncode


if __name__ == "__main__":
    sys.exit(main())
