"""The accepted jobs, in memory, and the ledger of all that were ever accepted."""

import re
import threading
from collections import OrderedDict
from datetime import datetime

from devstack.coconut.fields import Json
from devstack.coconut.job import JobRecord

MAX_JOBS = 50_000
_NUMBER = re.compile("[0-9]{1,9}")


class JobStore:
    """Keeps the newest jobs whole and a ledger entry of every job. Safe to use from any thread."""

    def __init__(self, *, max_jobs: int = MAX_JOBS) -> None:
        self._max_jobs = max_jobs
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, JobRecord] = OrderedDict()
        self._ledger: dict[str, Json] = {}

    def accept(self, job: JobRecord, reference: dict[str, str], *, at: datetime) -> None:
        """Add a job. The ledger holds it when this returns."""
        attempt = reference.get("attempt")
        entry: Json = {
            "job_id": job.id,
            "video": reference.get("video"),
            "attempt": int(attempt) if attempt is not None and _NUMBER.fullmatch(attempt) else attempt,
            "accepted_at": at.isoformat(timespec="milliseconds"),
            "status": job.status,
        }
        with self._lock:
            self._ledger[job.id] = entry
            self._jobs[job.id] = job
            if len(self._jobs) > self._max_jobs:
                self._jobs.popitem(last=False)

    def save(self, job: JobRecord) -> None:
        with self._lock:
            self._ledger[job.id]["status"] = job.status
            if job.id in self._jobs:
                self._jobs[job.id] = job

    def job(self, job_id: str) -> JobRecord | None:
        with self._lock:
            return self._jobs.get(job_id)

    def ledger(self) -> list[Json]:
        """Return every job accepted, oldest first: what a client was charged for."""
        with self._lock:
            return [dict(entry) for entry in self._ledger.values()]
