"""The working set at a glance: how many uploads are where, what is late, whether callbacks arrive, what the day cost.

Only rows that are not retired are counted, by the index `videos_working` and primary keys, up to a maximum: the cost
does not grow with the number of videos. Retired rows are at rest; dead letters are counted separately.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from database.pool import Database
from domain.spending import start_of_day
from domain.video import Phase

# Twice what an operator is built for (10,000 in flight).
ROWS_MAX = 20_000
DEAD_LETTERS_MAX = 10_000
CALLBACKS_SINCE = timedelta(hours=1)
BINS = 12
# A longer list would be no overview.
OWNERS_MAX = 10

_WORKING = """
SELECT phase, reason, is_paused, count(*) AS uploads, min(phase_since) AS oldest_since,
       count(*) FILTER (WHERE deadline_at < %(now)s AND NOT is_paused) AS overdue
FROM (SELECT phase, reason, is_paused, phase_since, deadline_at, deleted FROM videos
      WHERE NOT retired LIMIT %(at_most)s) AS working
WHERE NOT deleted
GROUP BY phase, reason, is_paused
"""

# Hindered ones wait for storage, or for jobs that Coconut does not know. At rest an upload waits for nothing.
_REGIONS = """
SELECT region, count(*) FILTER (WHERE phase NOT IN ('ready', 'errored')) AS uploads,
       count(*) FILTER (WHERE deadline_at < %(now)s AND NOT is_paused) AS overdue,
       count(*) FILTER (WHERE hindrance IS NOT NULL AND NOT is_paused) AS hindered
FROM (SELECT region, phase, deadline_at, is_paused, hindrance, deleted FROM videos
      WHERE NOT retired LIMIT %(at_most)s) AS working
WHERE NOT deleted
GROUP BY region ORDER BY region
"""

_TOTAL = "SELECT count(*) AS rows FROM (SELECT FROM videos WHERE NOT retired LIMIT %(at_most)s) AS working"

_DEAD_LETTERS = """
SELECT count(*) AS uploads
FROM (SELECT FROM videos WHERE phase = 'errored' AND NOT deleted LIMIT %(at_most)s) AS dead
"""

# LATERAL with OFFSET 0 instead of a plain join: whatever the planner estimates, it uses the primary keys.
_CLAIMS = """
SELECT max(claim.claimed_at) AS last_claim_at,
       count(*) FILTER (WHERE claim.claimed_at > %(since)s) AS claims,
       width_bucket(extract(epoch FROM claim.claimed_at), extract(epoch FROM %(since)s::timestamptz),
                    extract(epoch FROM %(now)s::timestamptz), %(bins)s) AS bin
FROM (SELECT video_id FROM videos WHERE NOT retired LIMIT %(at_most)s) AS working
CROSS JOIN LATERAL (
    SELECT claimed_at FROM job_claims WHERE video_id = working.video_id OFFSET 0
) AS claim
GROUP BY bin
"""

_FINISHED = """
SELECT count(*) AS jobs, count(*) FILTER (WHERE NOT finished.is_claimed) AS unclaimed
FROM (SELECT video_id FROM videos WHERE NOT retired LIMIT %(at_most)s) AS working
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM job_claims WHERE video_id = working.video_id AND attempt = attempts.attempt
    ) AS is_claimed
    FROM attempts
    WHERE video_id = working.video_id AND state IN ('completed', 'failed') AND settled_at > %(since)s OFFSET 0
) AS finished
"""

# Only today's attempts, so the query costs no more than what was bought today.
_SPENDING = """
SELECT owner, count(*) AS submissions, sum(minutes) AS minutes
FROM (SELECT owner, minutes FROM attempts
      WHERE intended_at >= %(day)s AND state <> 'refused' LIMIT %(at_most)s) AS today
GROUP BY owner ORDER BY minutes DESC, submissions DESC, owner
"""


@dataclass(frozen=True)
class PhaseReasonCount:
    """Number of uploads in one phase for one reason. ``overdue``: those past their deadline."""

    phase: Phase
    reason: str
    is_paused: bool
    uploads: int
    oldest_since: datetime
    overdue: int


@dataclass(frozen=True)
class CallbackHealth:
    """Callbacks of the last hour. ``by_bin``: claims in twelve equal parts of it, oldest first."""

    by_bin: tuple[int, ...]
    last_claim_at: datetime | None
    finished: int
    finished_unclaimed: int


@dataclass(frozen=True)
class OwnerSpending:
    """Today's paid submissions of one owner, and the minutes that they bill. ``owner``: None for all imports."""

    owner: str | None
    submissions: int
    minutes: float


@dataclass(frozen=True)
class Spending:
    """Today's paid submissions, by UTC, and the minutes that they bill: an upper bound while jobs run.

    ``owners``: those with the most minutes, the most first.
    """

    submissions: int = 0
    minutes: float = 0.0
    owners: tuple[OwnerSpending, ...] = ()


@dataclass(frozen=True)
class RegionOverview:
    """Uploads of one region that are not at rest, those past their deadline, and those that an upstream hinders."""

    region: str
    uploads: int
    overdue: int
    hindered: int


@dataclass(frozen=True)
class Overview:
    """The counts at one moment. ``is_complete``: whether every upload of the working set was counted."""

    counts: tuple[PhaseReasonCount, ...]
    dead_letters: int
    callbacks: CallbackHealth
    is_complete: bool
    spending: Spending = Spending()
    regions: tuple[RegionOverview, ...] = ()


class Overviews:
    """Counts the working set."""

    def __init__(self, database: Database, *, rows_max: int = ROWS_MAX) -> None:
        self._database = database
        self._rows_max = rows_max

    def look(self, now: datetime) -> Overview:
        """Count the working set, dead letters, callbacks and the day's minutes. Raises UnavailableError."""
        parameters = {"now": now, "since": now - CALLBACKS_SINCE, "at_most": self._rows_max, "bins": BINS}
        day = {"day": start_of_day(now), "at_most": self._rows_max}
        with self._database.connection() as connection:
            counts = connection.execute(_WORKING, parameters).fetchall()
            regions = connection.execute(_REGIONS, parameters).fetchall()
            claims = connection.execute(_CLAIMS, parameters).fetchall()
            (finished,) = connection.execute(_FINISHED, parameters).fetchall()
            spending = connection.execute(_SPENDING, day).fetchall()
            (total,) = connection.execute(_TOTAL, {"at_most": self._rows_max + 1}).fetchall()
            (dead,) = connection.execute(_DEAD_LETTERS, {"at_most": DEAD_LETTERS_MAX}).fetchall()
        return Overview(
            counts=tuple(_phase_reason_count(columns) for columns in counts),
            dead_letters=dead["uploads"],
            callbacks=_health(claims, finished),
            is_complete=total["rows"] <= self._rows_max,
            spending=_spending([OwnerSpending(**columns) for columns in spending]),
            regions=tuple(RegionOverview(**columns) for columns in regions),
        )


def _phase_reason_count(columns: Mapping[str, Any]) -> PhaseReasonCount:
    return PhaseReasonCount(
        phase=Phase(columns["phase"]),
        reason=columns["reason"],
        is_paused=columns["is_paused"],
        uploads=columns["uploads"],
        oldest_since=columns["oldest_since"],
        overdue=columns["overdue"],
    )


def _spending(owners: list[OwnerSpending]) -> Spending:
    submissions = sum(owner.submissions for owner in owners)
    return Spending(submissions, sum(owner.minutes for owner in owners), tuple(owners[:OWNERS_MAX]))


def _health(claims: list[dict[str, Any]], finished: Mapping[str, Any]) -> CallbackHealth:
    by_bin = {row["bin"]: row["claims"] for row in claims}
    last = max((row["last_claim_at"] for row in claims), default=None)
    # Bins are numbered from 1; older claims are in bin 0. A claim made just now may be beyond the last bin.
    counts = [by_bin.get(number, 0) for number in range(1, BINS + 1)]
    counts[-1] += by_bin.get(BINS + 1, 0)
    return CallbackHealth(tuple(counts), last, finished["jobs"], finished["unclaimed"])
