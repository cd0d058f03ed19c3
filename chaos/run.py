"""One run: a stack, clients under faults, and the wait until everything is at rest. Every wait is bounded."""

import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests
from psycopg.rows import TupleRow

from chaos import journal
from chaos.clients import Client, Surroundings
from chaos.faults import Faults
from chaos.files import make_files
from chaos.installation import TIME_SCALE, Installation
from chaos.journal import Journal
from chaos.receiver import receiving
from chaos.schedule import PROCESSES, Schedule
from devstack.paths import PROJECT_DIR

# After the last fault, clients go on for so long; after the last client, uploads come to rest within the bound.
CLIENTS_AFTERWARDS_SECONDS = 15
BOUND_SECONDS = 180
# A fault waits for servers that start, as a restarted API server does: all together are late by this at most.
_FAULTS_LATE_SECONDS = 90

_WHOLE_WITHIN_SECONDS = 60
_LOOK_EVERY_SECONDS = 0.5
# Without a change for so long: the repairs of the resync and the audit are over too.
_QUIET_SECONDS = 6
_BUSY = """
    SELECT (SELECT count(*) FROM videos WHERE NOT deleted AND NOT is_paused
                AND (phase NOT IN ('ready', 'errored') OR edition > observed_edition OR retries > observed_retries)),
           (SELECT count(*) FROM notifications WHERE NOT is_dispatched)
               + (SELECT count(*) FROM deliveries WHERE state = 'pending' AND next_at < now() + interval '1 minute'),
           (SELECT coalesce(sum(revision + observed_revision), 0) FROM videos)
"""


@dataclass(frozen=True)
class Outline:
    """What the checker has to know of a run. ``kinds``: the faults that must have fired."""

    seed: int
    uploads: int
    kinds: Sequence[str]


def carry_out(installed: Installation, notes: Journal, planned: Schedule, *, seed: int) -> None:
    """Run the clients under the faults until all uploads are at rest."""
    faults = Faults(installed, notes, seed=seed)
    with observed(installed, notes, Outline(seed, len(planned.clients), planned.kinds)) as around:
        began = time.monotonic()
        around.until = began + planned.seconds + _FAULTS_LATE_SECONDS
        with ThreadPoolExecutor(len(planned.clients)) as pool:
            running = [pool.submit(Client(plan, around).run, began) for plan in planned.clients]
            try:
                faults.carry_out(planned, began)
            finally:
                around.until = time.monotonic() + CLIENTS_AFTERWARDS_SECONDS
            for done in running:
                done.result()


@contextmanager
def observed(installed: Installation, notes: Journal, outline: Outline) -> Iterator[Surroundings]:
    """Receive notifications during the block, then wait until all is at rest, and describe the run for the checker."""
    # Transcodes take milliseconds; only the input's first byte is read.
    installed.set_stand_in(canned=1)
    with receiving(notes) as url:
        _register(installed, url)
        started_at = time.time()
        yield Surroundings(installed, notes, make_files(notes.directory), math.inf)
        installed.wait_until_served(*PROCESSES, within_seconds=_WHOLE_WITHIN_SECONDS)
        _wait_until_at_rest(installed)
        _describe(installed, notes, outline, started_at=started_at)


def _register(installed: Installation, url: str) -> None:
    headers = {"Authorization": f"Bearer {installed.token('admin', is_admin=True)}"}
    path = f"{installed.described.api_url}/api/v1/admin/webhooks"
    requests.post(path, json={"url": url}, headers=headers, timeout=10).raise_for_status()


def _wait_until_at_rest(installed: Installation) -> None:
    """Wait until nothing is left to do and nothing changes, or until the bound: the checker says what is left."""
    ends_at = time.monotonic() + BOUND_SECONDS
    last: TupleRow = ()
    quiet_since = time.monotonic()
    with psycopg.connect(installed.described.database_url, autocommit=True) as connection:
        while time.monotonic() < ends_at and time.monotonic() < quiet_since + _QUIET_SECONDS:
            now = connection.execute(_BUSY).fetchone() or ()
            if now != last or any(now[:2]):
                last, quiet_since = now, time.monotonic()
            threading.Event().wait(_LOOK_EVERY_SECONDS)


def _describe(installed: Installation, notes: Journal, outline: Outline, *, started_at: float) -> None:
    described = installed.described
    bucket = described.s3
    notes.describe(
        {
            "seed": outline.seed,
            "n": outline.uploads,
            "started_at": started_at,
            "ended_at": time.time(),
            "scale": TIME_SCALE,
            "bound_seconds": BOUND_SECONDS,
            "postgres_url": described.database_url,
            "s3": bucket.model_dump(include={"endpoint", "access_key", "secret_key", "bucket", "region"}),
            "kubeconfig": described.kubeconfig,
            "namespace": described.namespace,
            "coconut_control_url": described.coconut.url.removesuffix("/v2"),
            "log_files": installed.logs(),
            "receiver_file": journal.NOTIFICATIONS,
            "answers_file": journal.ANSWERS,
            "faults_file": journal.FAULTS,
            "clients_file": journal.CLIENTS,
            "secrets": installed.secret_texts(),
            "wanted_faults": list(outline.kinds),
            "killable": list(PROCESSES),
        }
    )


def judge(directory: Path) -> int:
    """Let the checker judge a run while its servers still serve, print the report, and return the exit status."""
    checked = subprocess.run([sys.executable, "-m", "chaos.checker", str(directory)], cwd=PROJECT_DIR, check=False)
    report = directory / "report.md"
    if report.exists():
        print(report.read_text(), flush=True)
    return checked.returncode


def state_directory(run_directory: Path) -> Path:
    """Return where the stack of a run lives."""
    return run_directory / "stack"
