"""`python -m chaos.soak --hours H`: a steady load with a kill every few seconds, and what grows meanwhile.

Memory, threads, sockets and open files must be flat at the end, and the checker judges the run like any other.
"""

import argparse
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count, cycle
from pathlib import Path

from chaos.clients import Client, Surroundings
from chaos.installation import Installation, installation
from chaos.journal import Journal
from chaos.run import CLIENTS_AFTERWARDS_SECONDS, Outline, judge, observed, state_directory
from chaos.schedule import PROCESSES, Behaviour, ClientPlan, Kind
from chaos.slopes import Sample, sample, slopes, table
from devstack import services
from devstack.child_environment import bypass_proxies
from devstack.paths import DEFAULT_STATE_DIR

UPLOADS_PER_SECOND = 2.0
KILL_EVERY_SECONDS = 5.0
WATCHED = (services.API, services.OPERATOR)

_DOWN_SECONDS = 0.2
_SAMPLE_EVERY_SECONDS = 2.0
_CLIENTS_AT_ONCE = 128


def main() -> int:
    """Run, print the slopes and the report, and return 0 if everything is flat and right."""
    parser = argparse.ArgumentParser(prog="python -m chaos.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--directory", type=Path, metavar="DIR", help="the run's directory; it is emptied first")
    chosen = parser.parse_args()
    bypass_proxies()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server is stopped
    return soak(chosen.hours * 3600, (chosen.directory or DEFAULT_STATE_DIR / "chaos" / "soak").resolve())


def soak(seconds: float, directory: Path) -> int:
    """Run for so long in a directory and return the exit status."""
    uploads = int(seconds * UPLOADS_PER_SECOND)
    shutil.rmtree(directory, ignore_errors=True)
    with installation(state_directory(directory)) as installed:
        notes = Journal(directory)
        with observed(installed, notes, Outline(0, uploads, [Kind.KILL.value])) as around:
            samples = _under_load(installed, notes, around, uploads=uploads, seconds=seconds)
        status = judge(directory)
    found = slopes(samples, warm_up_seconds=seconds / 6)
    print(table(found), flush=True)
    return status or int(not all(one.is_flat for one in found))


def _under_load(
    installed: Installation, notes: Journal, around: Surroundings, *, uploads: int, seconds: float
) -> list[Sample]:
    began = time.monotonic()
    around.until = began + seconds + CLIENTS_AFTERWARDS_SECONDS
    is_over = threading.Event()
    samples: list[Sample] = []
    with ThreadPoolExecutor(_CLIENTS_AT_ONCE) as clients, ThreadPoolExecutor(2) as others:
        running: list[Future[None]] = [
            others.submit(_kill_in_turn, installed, notes, is_over),
            others.submit(_sample, installed, samples, is_over),
        ]
        try:
            for plan in plans(uploads):
                threading.Event().wait(max(0.0, began + plan.at - time.monotonic()))
                running.append(clients.submit(Client(plan, around).run, began))
        finally:
            is_over.set()
        for done in running:
            done.result()
    return samples


def plans(uploads: int) -> Iterator[ClientPlan]:
    """Yield clients at a steady rate."""
    for number in range(uploads):
        yield ClientPlan(number, number / UPLOADS_PER_SECOND, Behaviour.PLAIN, number)


def _kill_in_turn(installed: Installation, notes: Journal, is_over: threading.Event) -> None:
    for name in cycle(PROCESSES):
        if is_over.wait(KILL_EVERY_SECONDS):
            return
        with notes.fault(Kind.KILL, name):
            installed.kill(name, _DOWN_SECONDS)


def _sample(installed: Installation, samples: list[Sample], is_over: threading.Event) -> None:
    began = time.monotonic()
    for turn in count(1):
        for name in WATCHED:
            pid = installed.stack.paths.process(name).pid()
            taken = None if pid is None else sample(time.monotonic(), name, pid)
            if taken is not None:
                samples.append(taken)
        if is_over.wait(max(0.0, began + turn * _SAMPLE_EVERY_SECONDS - time.monotonic())):
            return


if __name__ == "__main__":
    sys.exit(main())
