"""The operator's records on a real Postgres: their contract, concurrent writers, and a server that dies."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from os import environ
from threading import Barrier

import pytest

from database.attempts import Attempts
from database.commands import VideoCommands
from database.events import EventLog
from database.job_claims import Claims
from database.migrations.__main__ import upgrade
from database.observations import Observations
from database.pool import Database
from database.queries import VideoQueries
from database.wakeups import Wakeup, listen, send
from devstack import postgres
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import Ports
from domain.errors import UnavailableError
from domain.records import Cause, Intend, VideoRow
from domain.schedule import Timing
from domain.spending import SpendingLimits
from tests.integration.databases import fresh_database
from tests.support.builders.videos import a_new_video
from tests.support.contracts.records_contract import VIDEO, Records, RecordsContract
from tests.support.eventually import eventually

VERSIONS = PROJECT_DIR / "database" / "migrations" / "versions"
MIGRATE = [sys.executable, "-m", "database.migrations", "upgrade"]


@pytest.fixture
def commands(database: Database) -> VideoCommands:
    """The API's side of the rows."""
    return VideoCommands(database, Timing())


class TestPostgresRecords(RecordsContract):
    @pytest.fixture
    def records(self, database: Database, commands: VideoCommands) -> Records:
        claims = Claims(database)

        def create(video_id: str) -> VideoRow:
            return commands.create(a_new_video(video_id), per_hour=100).row

        def claim(video_id: str, attempt: int, job_id: str) -> None:
            claims.record(video_id=video_id, attempt=attempt, job_id=job_id)

        create(VIDEO)
        history = EventLog(database).of_video
        return Records(Observations(database), Attempts(database), claims, create, commands.confirm, claim, history)


def test_many_confirmations_at_once_count_as_one(database: Database, commands: VideoCommands) -> None:
    commands.create(a_new_video(VIDEO), per_hour=1)
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: commands.confirm(VIDEO), range(16)))
    row = VideoQueries(database).get(VIDEO)
    assert row is not None
    assert (row.desired.confirmations, row.desired.revision) == (1, 2)


def test_of_two_simultaneous_commits_one_is_stored(database: Database, commands: VideoCommands) -> None:
    row = commands.create(a_new_video(VIDEO), per_hour=1).row
    observations, together = Observations(database), Barrier(4)

    def commit(number: int) -> VideoRow | None:
        together.wait()
        return observations.commit(row, replace(row.observed, message=str(number)), cause=Cause.POLL)

    with ThreadPoolExecutor(4) as threads:
        stored = [after for after in threads.map(commit, range(4)) if after is not None]
    assert stored == [observations.get(VIDEO)]


def test_simultaneous_submissions_of_one_owner_stay_within_its_day(database: Database, commands: VideoCommands) -> None:
    videos = [f"{number:026}" for number in range(8)]
    rows = [commands.create(a_new_video(video_id), per_hour=100).row for video_id in videos]
    observations, together = Observations(database), Barrier(4)
    limits = SpendingLimits(submissions_per_owner=3)

    def submit(row: VideoRow) -> VideoRow | None:
        together.wait()
        intent = Intend(1, 1, datetime.now(UTC), "user-1", 1.0, limits)
        return observations.commit(row, row.observed, cause=Cause.POLL, attempt=intent)

    with ThreadPoolExecutor(4) as threads:
        stored = [after for after in threads.map(submit, rows) if after is not None]
    assert len(stored) == 3
    load = observations.submission_load(datetime.now(UTC), per_owner=9, at_most=9)
    assert (load.submitted, load.minutes) == ({"user-1": 3}, 3.0)


def test_a_nudge_is_delivered_only_after_its_commit(database: Database, database_url: str) -> None:
    wakeups = listen(database_url, quiet_seconds=0.3)
    assert next(wakeups) is None, "the channel is open"
    with suppress(ZeroDivisionError), database.transaction() as connection:
        send(connection, Wakeup("failed", Cause.CLAIM))
        raise ZeroDivisionError
    with database.transaction() as connection:
        send(connection, Wakeup(VIDEO, Cause.CLAIM))
        assert next(wakeups) is None, "neither the failed one nor the one not yet committed"
    assert next(wakeups) == Wakeup(VIDEO, Cause.CLAIM)


def test_foreign_messages_on_the_channel_are_ignored(database: Database, database_url: str) -> None:
    wakeups = listen(database_url, quiet_seconds=0.3)
    assert next(wakeups) is None, "the channel is open"
    with database.transaction() as connection:
        connection.execute("NOTIFY video_uploads, 'hello there'")
        send(connection, Wakeup(VIDEO, Cause.POLL))
    assert [nudge for nudge in (next(wakeups) for _ in range(4)) if nudge] == [Wakeup(VIDEO, Cause.POLL)]


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database that no release has seen."""
    with fresh_database(postgres_url, migrated=False) as url:
        yield url


def test_processes_that_migrate_at_once_wait_for_each_other(empty_database_url: str) -> None:
    environment = environ | {"DATABASE_URL": empty_database_url}
    together = [
        subprocess.Popen(MIGRATE, cwd=PROJECT_DIR, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [process.communicate(timeout=60)[0] for process in together]
    assert [process.returncode for process in together] == [0, 0, 0]
    # Numbers are given out before it is known which change comes first.
    revisions = {path.stem[:4]: path.read_text() for path in VERSIONS.glob("*.py")}
    (newest,) = (one for one in revisions if not any(f'down_revision = "{one}"' in text for text in revisions.values()))
    assert set(said) == {f"schema is at {newest}\n"}
    assert upgrade(empty_database_url) == newest


def test_postgres_is_killed_and_works_again_soon_after_it_is_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    paths = Paths(tmp_path_factory.mktemp("mortal"))
    port = Ports(paths.root / "ports.json", prefer_fixed=False).of(postgres.NAME)
    url = postgres.url(port, password=paths.secrets().postgres_password)
    server = postgres.server(paths, port)
    server.up()
    database = Database(url, max_size=4, timeout_seconds=1)
    try:
        postgres.create_role_and_database(port, password=paths.secrets().postgres_password)
        upgrade(url)
        row = VideoCommands(database, Timing()).create(a_new_video(VIDEO), per_hour=1).row
        wakeups = listen(url, quiet_seconds=5)
        assert next(wakeups) is None, "the channel is open"
        server.process.kill()
        with pytest.raises(UnavailableError):
            next(wakeups)
        for _ in range(8):  # long enough for a pool to pause for longer than this test
            with pytest.raises(UnavailableError):
                Observations(database).get(VIDEO)
        server.up()
        eventually(lambda: is_there(database, row), within_seconds=2)
    finally:
        database.close()
        server.down()


def is_there(database: Database, row: VideoRow) -> bool:
    try:
        return Observations(database).get(VIDEO) == row
    except UnavailableError:
        return False
