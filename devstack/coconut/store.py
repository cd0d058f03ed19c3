"""The jobs on disk (SQLite), so that they and the ledger survive a restart.

One row for each accepted job, in the order of acceptance; none of them is kept in memory. The request, which holds
the storage credentials, is forgotten as soon as the job has ended. Beyond the limit the oldest jobs are forgotten
whole, ended or not.
"""

import re
import sqlite3
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from devstack.coconut.faults import Fate
from devstack.coconut.fields import Json
from devstack.coconut.job import Job

MAX_JOBS = 50_000
_NUMBER = re.compile("[0-9]{1,9}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    video TEXT,
    attempt TEXT,
    accepted_at TEXT NOT NULL,
    status TEXT NOT NULL,
    is_final INTEGER NOT NULL DEFAULT 0,
    fate TEXT NOT NULL,
    request TEXT,
    job TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (sequence) WHERE is_final = 0;
"""
_INSERT = """
INSERT INTO jobs (id, video, attempt, accepted_at, status, fate, request, job)
VALUES (:id, :video, :attempt, :accepted_at, :status, :fate, :request, :job)
"""
_UPDATE = """
UPDATE jobs SET status = :status, job = :job, is_final = :is_final,
    request = CASE WHEN :is_final THEN NULL ELSE request END
WHERE id = :id
"""
_ACCEPTED = "SELECT job, fate, request FROM jobs WHERE id = ? AND is_final = 0"
_UNFINISHED = "SELECT id, fate FROM jobs WHERE is_final = 0 ORDER BY sequence"
_LEDGER = "SELECT id, video, attempt, accepted_at, status FROM jobs ORDER BY sequence"
_TRIM = "DELETE FROM jobs WHERE sequence <= ?"


@dataclass(frozen=True)
class AcceptedJob:
    """A job with what is needed to run it (again)."""

    job: Job
    fate: Fate
    request_text: str


class Store:
    """Safe to use from any thread: one connection, one lock."""

    def __init__(self, state_dir: Path, *, max_jobs: int = MAX_JOBS) -> None:
        path = state_dir / "jobs.sqlite3"
        path.touch(mode=0o600)
        self._max_jobs = max_jobs
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # Survives the death of the process, which is what is tested; not that of the machine.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def accept(self, accepted: AcceptedJob, reference: dict[str, str], *, at: datetime) -> None:
        """Enter a job; it is in the ledger when this returns."""
        job = accepted.job
        row = {
            "id": job.id,
            "video": reference.get("video"),
            "attempt": reference.get("attempt"),
            "accepted_at": at.isoformat(timespec="milliseconds"),
            "status": job.status,
            "fate": accepted.fate.model_dump_json(),
            "request": accepted.request_text,
            "job": job.model_dump_json(),
        }
        with self._lock:
            sequence = self._connection.execute(_INSERT, row).lastrowid or 0
            self._connection.execute(_TRIM, (sequence - self._max_jobs,))

    def save(self, job: Job) -> None:
        row = {"id": job.id, "status": job.status, "is_final": job.is_final, "job": job.model_dump_json()}
        with self._lock:
            self._connection.execute(_UPDATE, row)

    def job(self, job_id: str) -> Job | None:
        with self._lock:
            found = self._connection.execute("SELECT job FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return Job.model_validate_json(found[0]) if found else None

    def accepted(self, job_id: str) -> AcceptedJob | None:
        """Return what is needed to run a job; None when it has ended or is forgotten."""
        with self._lock:
            found = self._connection.execute(_ACCEPTED, (job_id,)).fetchone()
        if found is None:
            return None
        job, fate, request = found
        return AcceptedJob(Job.model_validate_json(job), Fate.model_validate_json(fate), request)

    def unfinished(self) -> list[tuple[str, Fate]]:
        """Return the ids of the jobs that have not ended, oldest first, and what will befall them."""
        with self._lock:
            rows = self._connection.execute(_UNFINISHED).fetchall()
        return [(job_id, Fate.model_validate_json(fate)) for job_id, fate in rows]

    def ledger(self) -> list[Json]:
        """Return every job accepted, oldest first: what a client was charged for."""
        with self._lock:
            rows = self._connection.execute(_LEDGER).fetchall()
        return [
            {
                "job_id": job_id,
                "video": video,
                "attempt": int(attempt) if attempt is not None and _NUMBER.fullmatch(attempt) else attempt,
                "accepted_at": accepted_at,
                "status": status,
            }
            for job_id, video, attempt, accepted_at, status in rows
        ]
