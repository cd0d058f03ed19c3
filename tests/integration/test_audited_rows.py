"""The audit's queries on a real Postgres: their contract, and cases that need a real database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import psycopg
import pytest
from psycopg import sql

from database.audit import AuditedRows
from database.commands import VideoCommands
from database.job_claims import Claims
from database.observations import Observations
from database.pool import Database
from database.wakeups import Wakeup, listen
from domain.records import AttemptState, Cause, Intend, Settle, VideoRow
from domain.schedule import Timing
from tests.support.builders.videos import a_new_video
from tests.support.contracts.audit_contract import MAX_HEALS, VIDEO, AuditContract, Audited


@pytest.fixture
def audited(database: Database, database_url: str) -> Audited:
    """A row that waits for its file."""
    commands, claims = VideoCommands(database, Timing()), Claims(database)

    def create(video_id: str) -> VideoRow:
        return commands.create(a_new_video(video_id), per_hour=100).row

    def claim(video_id: str, attempt: int, job_id: str) -> None:
        claims.record(video_id=video_id, attempt=attempt, job_id=job_id)

    def change(video_id: str, **columns: object) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            for name, value in columns.items():
                statement = sql.SQL("UPDATE videos SET {} = %s WHERE video_id = %s").format(sql.Identifier(name))
                connection.execute(statement, [value, video_id])

    def heals(video_id: str) -> int:
        found = AuditedRows(database).get(video_id)
        assert found is not None
        return found.heals

    create(VIDEO)
    return Audited(AuditedRows(database), Observations(database), create, claim, change, heals)


class TestAuditedRows(AuditContract):
    """The contract, on a real Postgres."""


def test_of_many_simultaneous_heals_one_counts(audited: Audited) -> None:
    row, together = audited.publish(), Barrier(4)

    def heal(_: int) -> VideoRow | None:
        together.wait()
        return audited.rows.heal(row, max_heals=MAX_HEALS)

    with ThreadPoolExecutor(4) as threads:
        healed = [after for after in threads.map(heal, range(4)) if after is not None]
    assert healed == [audited.row()]
    assert (audited.heals(VIDEO), audited.row().desired.edition) == (1, 2)


def test_a_heal_wakes_the_operator(audited: Audited, database_url: str) -> None:
    row = audited.publish()
    wakeups = listen(database_url, quiet_seconds=0.3)
    assert next(wakeups) is None, "the channel is open"
    audited.rows.heal(row, max_heals=MAX_HEALS)
    assert next(wakeups) == Wakeup(VIDEO, Cause.SWEEP)
    audited.rows.heal(row, max_heals=MAX_HEALS)
    assert next(wakeups) is None, "the row has moved"


def test_duplicate_jobs_of_long_ago_are_not_reported(audited: Audited) -> None:
    audited.observe(VIDEO, Intend(1, 1, datetime.now(UTC)))
    audited.observe(VIDEO, Settle(1, AttemptState.ABANDONED, datetime.now(UTC)))
    before = datetime.now(UTC) - timedelta(minutes=1)
    audited.claim(VIDEO, 1, "job1")
    assert [doubled.job_id for doubled in audited.rows.doubled([VIDEO], since=before)] == ["job1"]
    assert audited.rows.doubled([VIDEO], since=datetime.now(UTC) + timedelta(minutes=1)) == []


def test_keys_that_no_row_can_hold_are_skipped(audited: Audited) -> None:
    assert audited.rows.existing(["a\0b", VIDEO]) == {VIDEO}
    assert audited.rows.quarantine({"uploads/a\0b/x": 1, "uploads/c/x": 2}) == 1
    assert audited.rows.quarantined_among(["uploads/a\0b/x", "uploads/c/x"]) == {"uploads/c/x"}
