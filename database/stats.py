"""How many uploads there are of each sort: two bounded questions, for metrics.

They walk the rows that each sweep walks, and the deliveries that are still to be made, by the same indexes. What
follows from the numbers is in controller/metrics/registry.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from database.pool import Database
from domain.video import Phase

# A lost answer shows as one of the two reasons from the pass that found it until somebody resolves it.
_COUNT = """
SELECT phase, count(*) AS uploads, min(phase_since) AS oldest_since,
       count(*) FILTER (WHERE deadline_at < %(late)s AND NOT is_paused) AS overdue,
       count(*) FILTER (WHERE reason IN ('SubmissionUncertain', 'SubmissionHeld')) AS uncertain,
       count(*) FILTER (WHERE is_paused) AS paused
FROM videos WHERE NOT retired AND NOT deleted GROUP BY phase
"""

_DELIVERIES = """
SELECT CASE lane WHEN 'mail' THEN 'mail' ELSE 'webhook' END AS way, count(*) AS waiting
FROM deliveries WHERE state = 'pending' GROUP BY 1
"""

_IS_CLAIMED = "SELECT FROM job_claims WHERE video_id = %(video_id)s AND attempt = %(attempt)s LIMIT 1"


@dataclass(frozen=True)
class WorkingSetStats:
    """The working set, counted. ``overdue``: past their deadline and held by nobody; ``uncertain``: a lost answer.

    ``deliveries``: those that are neither made nor given up, by the way they go out.
    """

    uploads: Mapping[Phase, int]
    oldest_since: Mapping[Phase, datetime]
    overdue: int
    uncertain: int
    paused: int
    deliveries: Mapping[str, int]


class StatsQueries:
    """Questions that only metrics ask. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def working_set(self, *, late: datetime) -> WorkingSetStats:
        """Count the working set; overdue is what should have left its phase before ``late``."""
        with self._database.connection() as connection:
            found = connection.execute(_COUNT, {"late": late}).fetchall()
            deliveries = connection.execute(_DELIVERIES).fetchall()
        return WorkingSetStats(
            uploads={Phase(columns["phase"]): columns["uploads"] for columns in found},
            oldest_since={Phase(columns["phase"]): columns["oldest_since"] for columns in found},
            overdue=sum(columns["overdue"] for columns in found),
            uncertain=sum(columns["uncertain"] for columns in found),
            paused=sum(columns["paused"] for columns in found),
            deliveries={columns["way"]: columns["waiting"] for columns in deliveries},
        )

    def is_claimed(self, video_id: str, attempt: int) -> bool:
        """Tell whether any callback ever named a job for an attempt."""
        with self._database.connection() as connection:
            return connection.execute(_IS_CLAIMED, {"video_id": video_id, "attempt": attempt}).fetchone() is not None
