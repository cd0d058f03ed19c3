"""Counts how often, and for how long, Coconut has not known a job that it knew before.

One such answer decides nothing: a job is lost only after many of them. The counts live in memory: losing them at a
restart or a change of leader only makes the operator wait longer before it buys another job.

Many jobs that are unknown at once are not lost: the key is that of another account, or the provider lost its records.
Nothing is lost and nothing is bought then, until a person or the provider has mended it.
"""

import threading
from dataclasses import dataclass

_JOBS_MAX = 10_000
# At least so many must be unknown, and more than are known: fewer may be chance.
MANY = 3


@dataclass(frozen=True)
class Absence:
    """How long a job has been unknown. ``looks``: how many times in a row; ``seconds``: since the first of them.

    ``is_one_of_many``: most other jobs are unknown too, which says nothing about this one.
    """

    looks: int = 0
    seconds: float = 0.0
    is_one_of_many: bool = False


class UnknownJobs:
    """Counts looks at unknown jobs. Thread-safe. ``within_seconds``: older looks count no more."""

    def __init__(self, *, within_seconds: float = 15 * 60.0) -> None:
        self._lock = threading.Lock()
        self._within_seconds = within_seconds
        self._first_looks: dict[str, tuple[float, int]] = {}
        self._last_looks: dict[str, tuple[float, bool]] = {}

    def record(self, job_id: str, *, is_known: bool, now: float) -> Absence:
        """Count one look, at ``now`` by a monotonic clock in seconds, and return the job's absence so far."""
        with self._lock:
            self._last_looks.pop(job_id, None)
            self._last_looks[job_id] = now, is_known
            if is_known:
                self._first_looks.pop(job_id, None)
                return Absence()
            if job_id not in self._first_looks and len(self._first_looks) >= _JOBS_MAX:
                self._first_looks.pop(next(iter(self._first_looks)))
            if self._are_many(now):
                self._first_looks[job_id] = now, 1
                return Absence(1, 0.0, is_one_of_many=True)
            since, looks = self._first_looks.get(job_id, (now, 0))
            self._first_looks[job_id] = since, looks + 1
            return Absence(looks + 1, now - since)

    def are_many(self, now: float) -> bool:
        """Return whether most of the jobs that were looked at lately are unknown, and not by chance."""
        with self._lock:
            return self._are_many(now)

    def _are_many(self, now: float) -> bool:
        # Oldest first, since each look puts its job last.
        while self._last_looks:
            job_id = next(iter(self._last_looks))
            if self._last_looks[job_id][0] > now - self._within_seconds and len(self._last_looks) <= _JOBS_MAX:
                break
            del self._last_looks[job_id]
        unknown = sum(not is_known for _, is_known in self._last_looks.values())
        return unknown >= MANY and 2 * unknown > len(self._last_looks)
