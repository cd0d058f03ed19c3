"""Counts of uploads and pending deliveries, for metrics: four bounded queries.

They read the rows that each resync reads, and the pending deliveries, by the same indexes. The metrics made from them
are in controller/metrics/registry.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from database.pool import Database
from database.regions import IN_SCOPE, about_a_video_in_scope, scope_parameters
from domain.regions import EVERYWHERE, RegionScope
from domain.video import Phase

# A lost answer has one of the two reasons until it is resolved.
_COUNT = f"""
SELECT phase, count(*) AS uploads, min(phase_since) AS oldest_since,
       count(*) FILTER (WHERE deadline_at < %(late)s AND NOT is_paused) AS overdue,
       count(*) FILTER (WHERE reason IN ('SubmissionUncertain', 'SubmissionHeld')) AS uncertain,
       count(*) FILTER (WHERE is_paused) AS paused,
       count(*) FILTER (WHERE reason = 'WaitingForCapacity' AND NOT is_paused) AS without_place,
       min(phase_since) FILTER (WHERE reason = 'WaitingForCapacity' AND NOT is_paused) AS without_place_since
FROM videos WHERE NOT retired AND NOT deleted AND {IN_SCOPE} GROUP BY phase
"""  # noqa: S608 - a constant

_DELIVERIES = f"""
SELECT CASE lane WHEN 'mail' THEN 'mail' ELSE 'webhook' END AS channel, count(*) AS waiting, min(created_at) AS since
FROM deliveries WHERE state = 'pending' AND {about_a_video_in_scope("deliveries.video_id")} GROUP BY 1
"""  # noqa: S608 - a constant

# What the dispatcher should have taken by now: it looks every second or so. An endpoint that is disabled or asked for
# time holds up only its own deliveries.
_OUTBOX = f"""
SELECT count(*) AS overdue, min(since) AS since FROM (
    SELECT created_at AS since FROM notifications WHERE NOT is_dispatched
      AND {about_a_video_in_scope("notifications.video_id")}
    UNION ALL
    SELECT greatest(next_at, held_until) FROM deliveries LEFT JOIN webhook_endpoints USING (endpoint_id)
    WHERE state = 'pending' AND next_at <= clock_timestamp()
      AND disabled_at IS NULL AND (held_until IS NULL OR held_until <= clock_timestamp())
      AND {about_a_video_in_scope("deliveries.video_id")}
) AS waiting
"""  # noqa: S608 - a constant

# By the index of their retention.
_ERRORED = f"""
SELECT CASE WHEN reason = 'FileRemoved' THEN 'removed' ELSE 'kept' END AS file, count(*) AS uploads
FROM videos WHERE phase = 'errored' AND origin = 'api' AND NOT deleted AND NOT is_playable AND {IN_SCOPE} GROUP BY 1
"""  # noqa: S608 - a constant

_IS_CLAIMED = "SELECT FROM job_claims WHERE video_id = %(video_id)s AND attempt = %(attempt)s LIMIT 1"


@dataclass(frozen=True)
class WorkingSetStats:
    """The working set, counted. ``overdue``: past their deadline and not paused; ``uncertain``: a lost answer.

    ``without_place``: uploads that wait because as many jobs run as the installation allows; ``without_place_since``:
    when the oldest of them was verified. ``deliveries``, ``deliveries_since``: the pending ones and the oldest of them,
    by channel (mail or webhook). ``outbox``: notifications and deliveries that should have left; ``outbox_since``: the
    oldest of them. ``errored``: failed uploads, retired ones included, by whether their file was kept or removed.
    """

    uploads: Mapping[Phase, int]
    oldest_since: Mapping[Phase, datetime]
    overdue: int
    uncertain: int
    paused: int
    deliveries: Mapping[str, int] = field(default_factory=dict)
    errored: Mapping[str, int] = field(default_factory=dict)
    without_place: int = 0
    without_place_since: datetime | None = None
    deliveries_since: Mapping[str, datetime] = field(default_factory=dict)
    outbox: int = 0
    outbox_since: datetime | None = None


class StatsQueries:
    """Queries for metrics. Every method raises UnavailableError."""

    def __init__(self, database: Database, scope: RegionScope = EVERYWHERE) -> None:
        self._database = database
        self._scope = scope_parameters(scope)

    def working_set(self, *, late: datetime) -> WorkingSetStats:
        """Count the working set; overdue is what should have left its phase before ``late``."""
        with self._database.connection() as connection:
            rows = connection.execute(_COUNT, {"late": late, **self._scope}).fetchall()
            deliveries = connection.execute(_DELIVERIES, self._scope).fetchall()
            outbox = connection.execute(_OUTBOX, self._scope).fetchone() or {"overdue": 0, "since": None}
            errored = connection.execute(_ERRORED, self._scope).fetchall()
        return WorkingSetStats(
            uploads={Phase(columns["phase"]): columns["uploads"] for columns in rows},
            oldest_since={Phase(columns["phase"]): columns["oldest_since"] for columns in rows},
            overdue=sum(columns["overdue"] for columns in rows),
            uncertain=sum(columns["uncertain"] for columns in rows),
            paused=sum(columns["paused"] for columns in rows),
            without_place=sum(columns["without_place"] for columns in rows),
            without_place_since=min(
                (since for columns in rows if (since := columns["without_place_since"]) is not None), default=None
            ),
            deliveries={columns["channel"]: columns["waiting"] for columns in deliveries},
            deliveries_since={columns["channel"]: columns["since"] for columns in deliveries},
            outbox=outbox["overdue"],
            outbox_since=outbox["since"],
            errored={columns["file"]: columns["uploads"] for columns in errored},
        )

    def is_claimed(self, video_id: str, attempt: int) -> bool:
        """Return whether any callback has named a job for an attempt."""
        with self._database.connection() as connection:
            return connection.execute(_IS_CLAIMED, {"video_id": video_id, "attempt": attempt}).fetchone() is not None
