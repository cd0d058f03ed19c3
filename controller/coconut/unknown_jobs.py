"""Counts how often, and for how long, Coconut has not known a job that it knew before.

One such answer decides nothing: a job is lost only after many of them. The counts live in memory: losing them at a
restart or a change of leader only makes the operator wait longer before it buys another job.
"""

import threading
from dataclasses import dataclass

_JOBS_MAX = 10_000


@dataclass(frozen=True)
class Absence:
    """How long a job has been unknown. ``looks``: how many times in a row; ``seconds``: since the first of them."""

    looks: int = 0
    seconds: float = 0.0


class UnknownJobs:
    """Counts looks at unknown jobs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first_looks: dict[str, tuple[float, int]] = {}

    def record(self, job_id: str, *, is_known: bool, now: float) -> Absence:
        """Count one look, at ``now`` by a monotonic clock in seconds, and return the job's absence so far."""
        with self._lock:
            if is_known:
                self._first_looks.pop(job_id, None)
                return Absence()
            if job_id not in self._first_looks and len(self._first_looks) >= _JOBS_MAX:
                self._first_looks.pop(next(iter(self._first_looks)))
            since, looks = self._first_looks.get(job_id, (now, 0))
            self._first_looks[job_id] = since, looks + 1
            return Absence(looks + 1, now - since)
