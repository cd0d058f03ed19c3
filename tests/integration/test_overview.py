"""The overview of the working set on a real Postgres: its counts, and its cost as videos become more."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import dict_row

from database.overview import CallbackHealth, Overview, Overviews, OwnerSpending, RegionOverview, Spending
from database.pool import Connection, Database
from domain.video import Phase, Reason
from tests.integration.databases import fresh_database

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)

_VIDEO = """
INSERT INTO videos (
    video_id, origin, owner, title, filename, content_type, upload_mode, region, storage_key, profile,
    phase, phase_since, reason, message, deadline_at, is_paused, deleted, retired, failure)
SELECT translate(md5(%(name)s || n), '01', 'xy')::char(26), 'api', 'ann', 'Cats', 'cats.mp4', 'video/mp4', 'single',
       'tor1', 'uploads/x/original.mp4', 'hls-1080p', %(phase)s, %(since)s, %(reason)s, '', %(deadline)s, %(is_paused)s,
       %(deleted)s, %(retired)s,
       CASE %(phase)s WHEN 'errored' THEN jsonb_build_object('code', 'job_lost', 'message', 'lost', 'attempt', 1) END
FROM generate_series(1, %(count)s) AS n RETURNING video_id
"""
_ATTEMPT = """
INSERT INTO attempts (video_id, attempt, edition, state, intended_at, settled_at) VALUES (%s, %s, 1, %s, %s, %s)
"""
_BOUGHT = """
INSERT INTO attempts (video_id, attempt, edition, state, intended_at, owner, minutes) VALUES (%s, 1, 1, %s, %s, %s, %s)
"""
_ATTEMPTS_OF_ALL = """
INSERT INTO attempts (video_id, attempt, edition, state, intended_at, settled_at)
SELECT video_id, 1, 1, 'completed', %s, %s FROM videos
"""
_CLAIMS_OF_ALL = (
    "INSERT INTO job_claims (video_id, attempt, job_id, claimed_at) SELECT video_id, 1, 'j', %s FROM videos"
)
_CLAIM = "INSERT INTO job_claims (video_id, attempt, job_id, claimed_at) VALUES (%s, %s, %s, %s)"


class Filling:
    """Puts rows into a database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._names = iter(range(10_000))

    def videos(self, phase: Phase, reason: Reason, *, count: int = 1, **changes: Any) -> list[str]:
        """Insert videos of one kind and return their ids."""
        columns = {"since": NOW, "deadline": NOW + timedelta(hours=1), "is_paused": False, "deleted": False}
        columns |= {"retired": False, "name": f"video-{next(self._names)}-", **changes}
        if phase in (Phase.READY, Phase.ERRORED):
            columns["deadline"] = None
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(_VIDEO, {"phase": phase, "reason": reason, "count": count, **columns})
            return [row[0] for row in rows]

    def attempt(self, video_id: str, number: int, *, state: str, settled_at: datetime | None) -> None:
        """Record an attempt."""
        with psycopg.connect(self._url) as connection:
            connection.execute(_ATTEMPT, [video_id, number, state, NOW - timedelta(days=1), settled_at])

    def bought(
        self, video_id: str, owner: str | None, minutes: float, *, at: datetime, state: str = "completed"
    ) -> None:
        """Record what an owner bought."""
        with psycopg.connect(self._url) as connection:
            connection.execute(_BOUGHT, [video_id, state, at, owner, minutes])

    def claim(self, video_id: str, number: int, at: datetime) -> None:
        """Let a callback have come."""
        with psycopg.connect(self._url) as connection:
            connection.execute(_CLAIM, [video_id, number, f"job-{number}-{at.timestamp()}", at])


@pytest.fixture
def filling(database_url: str) -> Filling:
    return Filling(database_url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, max_size=1)
    yield opened
    opened.close()


def test_an_empty_database_counts_nothing(database: Database) -> None:
    health = CallbackHealth((0,) * 12, None, 0, 0)
    assert Overviews(database).look(NOW) == Overview((), 0, health, is_complete=True)


def test_what_is_under_way_is_counted_by_region(database: Database, database_url: str, filling: Filling) -> None:
    filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=3)
    filling.videos(Phase.READY, Reason.PUBLISHED)
    filling.videos(Phase.UPLOADING, Reason.WAITING_FOR_FILE, deleted=True)
    elsewhere = filling.videos(Phase.UPLOADED, Reason.WAITING_FOR_CAPACITY, count=2)
    late = filling.videos(Phase.UPLOADED, Reason.WAITING_FOR_CAPACITY, deadline=NOW - timedelta(hours=1))
    with psycopg.connect(database_url) as connection:
        moved = "UPDATE videos SET region = 'fra1', hindrance = %s WHERE video_id = ANY(%s)"
        connection.execute(moved, ["StorageAway", elsewhere])
        connection.execute(moved, [None, late])

    assert Overviews(database).look(NOW).regions == (
        RegionOverview("fra1", uploads=3, overdue=1, hindered=2),
        RegionOverview("tor1", uploads=3, overdue=0, hindered=0),
    )


def test_uploads_are_counted_by_phase_reason_and_pause(database: Database, filling: Filling) -> None:
    filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=3)
    filling.videos(Phase.PROCESSING, Reason.TRANSCODING, since=NOW - timedelta(hours=5))
    filling.videos(Phase.UPLOADED, Reason.SUBMISSION_HELD, is_paused=True)
    filling.videos(Phase.READY, Reason.PUBLISHED, count=2, retired=True)
    filling.videos(Phase.UPLOADING, Reason.WAITING_FOR_FILE, deleted=True)
    seen = Overviews(database).look(NOW)

    assert {(crowd.phase, crowd.is_paused, crowd.uploads, crowd.oldest_since) for crowd in seen.counts} == {
        (Phase.PROCESSING, False, 4, NOW - timedelta(hours=5)),
        (Phase.UPLOADED, True, 1, NOW),
    }


def test_an_upload_past_its_deadline_is_overdue_unless_it_is_paused(database: Database, filling: Filling) -> None:
    a_moment_ago = NOW - timedelta(seconds=1)
    filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=2, deadline=a_moment_ago)
    filling.videos(Phase.PROCESSING, Reason.PUBLISHING)
    filling.videos(Phase.PROCESSING, Reason.TRANSCODING, is_paused=True, deadline=a_moment_ago)

    assert sum(crowd.overdue for crowd in Overviews(database).look(NOW).counts) == 2


def test_retired_dead_letters_are_counted_too(database: Database, filling: Filling) -> None:
    filling.videos(Phase.ERRORED, Reason.FAILED, count=2, retired=True)
    filling.videos(Phase.ERRORED, Reason.FAILED)
    filling.videos(Phase.ERRORED, Reason.FAILED, deleted=True)

    assert Overviews(database).look(NOW).dead_letters == 3


def test_claims_are_counted_in_five_minute_intervals(database: Database, filling: Filling) -> None:
    (video_id,) = filling.videos(Phase.PROCESSING, Reason.TRANSCODING)
    for minutes in (61, 59, 31, 2, 1, 0):
        filling.claim(video_id, 1, NOW - timedelta(minutes=minutes))
    health = Overviews(database).look(NOW).callbacks

    assert health.by_bin == (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 3)
    assert health.last_claim_at == NOW


def test_jobs_that_ended_without_a_claim_are_counted_separately(database: Database, filling: Filling) -> None:
    claimed, silent, old, running = filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=4)
    filling.attempt(claimed, 1, state="completed", settled_at=NOW - timedelta(minutes=5))
    filling.claim(claimed, 1, NOW - timedelta(minutes=6))
    filling.attempt(silent, 1, state="failed", settled_at=NOW - timedelta(minutes=5))
    # A claim for another attempt says nothing about this one.
    filling.claim(silent, 2, NOW - timedelta(minutes=6))
    filling.attempt(old, 1, state="completed", settled_at=NOW - timedelta(minutes=61))
    filling.attempt(running, 1, state="accepted", settled_at=None)
    health = Overviews(database).look(NOW).callbacks

    assert (health.finished, health.finished_unclaimed) == (2, 1)


def test_a_count_that_reached_its_bound_says_so(database: Database, filling: Filling) -> None:
    filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=3)

    assert Overviews(database, rows_max=3).look(NOW).is_complete
    seen = Overviews(database, rows_max=2).look(NOW)
    assert not seen.is_complete
    assert sum(crowd.uploads for crowd in seen.counts) == 2


def test_the_day_is_counted_in_minutes_by_owner(database: Database, filling: Filling) -> None:
    midnight = NOW.replace(hour=0)
    videos = filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=6)
    filling.bought(videos[0], "ann", 12.5, at=midnight)
    filling.bought(videos[1], "ann", 7.5, at=NOW, state="uncertain")
    filling.bought(videos[2], "bob", 100, at=NOW, state="failed")
    filling.bought(videos[3], None, 3, at=NOW)
    filling.bought(videos[4], "ann", 1000, at=NOW, state="refused")
    filling.bought(videos[5], "bob", 1000, at=midnight - timedelta(seconds=1))

    assert Overviews(database).look(NOW).spending == Spending(
        submissions=4,
        minutes=123,
        owners=(OwnerSpending("bob", 1, 100), OwnerSpending("ann", 2, 20), OwnerSpending(None, 1, 3)),
    )


def test_the_ten_owners_with_the_most_minutes_are_shown_and_all_are_counted(
    database: Database, filling: Filling
) -> None:
    videos = filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=12)
    for number, video_id in enumerate(videos, 1):
        filling.bought(video_id, f"user-{number}", number, at=NOW)
    spending = Overviews(database).look(NOW).spending

    assert [owner.minutes for owner in spending.owners] == [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]
    assert (spending.submissions, spending.minutes) == (12, 78)


class RowCounter:
    """A database that counts the rows that each statement reads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.rows_read: list[int] = []

    @contextmanager
    def connection(self) -> Iterator["RowCounter"]:
        yield self

    def execute(self, statement: str, parameters: dict[str, object]) -> psycopg.Cursor[dict[str, Any]]:
        explain = cast("Any", f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        (explained,) = self._connection.execute(explain, parameters).fetchall()
        plan = explained["QUERY PLAN"]
        self.rows_read.append(_rows_read((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))
        return self._connection.execute(cast("Any", statement), parameters)


def test_the_overview_costs_no_more_when_thousands_have_retired(postgres_url: str) -> None:
    with fresh_database(postgres_url) as url:
        filling = Filling(url)
        filling.videos(Phase.READY, Reason.PUBLISHED, count=5_000, retired=True)
        filling.videos(Phase.PROCESSING, Reason.TRANSCODING, count=20)
        with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
            connection.execute(_ATTEMPTS_OF_ALL, [NOW - timedelta(days=1), NOW])
            connection.execute(_CLAIMS_OF_ALL, [NOW])
            connection.execute("VACUUM ANALYZE")
            explained = RowCounter(connection)
            Overviews(cast("Database", explained)).look(NOW)

    assert len(explained.rows_read) == 7
    # Twenty uploads, and a few rows beside each.
    assert max(explained.rows_read) <= 100


def _rows_read(plan: dict[str, Any]) -> int:
    """Return how many rows the scans of a plan read, those that they threw away included."""
    below = sum(_rows_read(child) for child in plan.get("Plans", ()))
    if "Scan" not in plan["Node Type"] or plan["Node Type"] == "Subquery Scan":
        return below
    removed: int = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    here: float = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return below + round(here)
