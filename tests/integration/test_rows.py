"""Rows on a real Postgres: requests at the same time, the rules of the schema, and servers that fail."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from database.commands import VideoCommands
from database.creation import BytesPerDay, BytesSpentError, NewRow
from database.idempotency_keys import IdempotencyKey
from database.observations import Observations
from database.pool import Database, DeadlineConnection
from database.wakeups import listen
from domain.errors import UnavailableError
from domain.records import VideoRow
from domain.schedule import Timing
from domain.spending import SubmissionLoad
from domain.video import VIDEO_ID_PATTERN, Phase, new_video_id
from tests.support.builders.videos import a_new_video

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool on this test's own database."""
    made = Database(database_url, max_size=8, timeout_seconds=30)
    yield made
    made.close()


def new(owner: str = "alice") -> NewRow:
    return a_new_video(new_video_id(), owner=owner)


def a_row(database: Database) -> VideoRow:
    return VideoCommands(database, Timing()).create(new(), per_hour=10).row


def test_the_daily_limit_of_bytes_is_exact_for_parallel_requests_to_two_processes(database_url: str) -> None:
    pools = [Database(database_url, max_size=8, timeout_seconds=30) for _ in range(2)]

    def create(number: int) -> bool:
        video, per_day = a_new_video(new_video_id(), declared_bytes=9), BytesPerDay(at_most=9 * 10, largest=9)
        try:
            VideoCommands(pools[number % 2], Timing()).create(video, per_hour=100, per_day=per_day)
        except BytesSpentError:
            return False
        return True

    with ThreadPoolExecutor(30) as threads:
        accepted = list(threads.map(create, range(30)))
    for pool in pools:
        pool.close()
    assert sum(accepted) == 10


def test_each_new_key_deletes_a_bounded_number_of_expired_ones(database: Database) -> None:
    commands = VideoCommands(database, Timing())
    for number in range(25):
        commands.create(new(), per_hour=100, key=IdempotencyKey(f"k{number}", "a" * 64))
    left = []
    with database.connection() as connection:
        connection.execute("UPDATE idempotency_keys SET created_at = created_at - interval '1 day'")
        for number in range(4):
            commands.create(new(), per_hour=100, key=IdempotencyKey(f"new{number}", "a" * 64))
            (columns,) = connection.execute("SELECT count(*) AS count FROM idempotency_keys").fetchall()
            left.append(columns["count"])

    assert left == [16, 7, 3, 4]


def test_sql_accepts_exactly_the_names_that_the_crd_accepts(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        (check,) = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'videos_video_id_check'"
        ).fetchone() or ("",)
    assert check.split("'")[1] == VIDEO_ID_PATTERN


def test_sql_accepts_exactly_the_phases_of_the_crd(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        (check,) = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'videos_phase_check'"
        ).fetchone() or ("",)
    assert set(check.split("'")[1::2]) == {phase.value for phase in Phase}


def test_a_restore_never_reports_a_deletion_that_came_after_it(database: Database) -> None:
    commands = VideoCommands(database, Timing())
    video_id = a_row(database).desired.video_id

    def deleted_after(number: int) -> bool:
        return (commands.delete if number % 2 else commands.restore)(video_id).desired.deleted

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(deleted_after, range(800)))
    assert answers == [number % 2 == 1 for number in range(800)]


def test_a_server_that_became_a_standby_is_unavailable_until_another_one_writes(database_url: str) -> None:
    """After a fail-over an old connection may still lead to the server that only reads now."""
    name = sql.Identifier(database_url.rpartition("/")[2])
    with psycopg.connect(database_url, autocommit=True) as admin, ExitStack() as opened:
        admin.execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
        database = opened.enter_context(closing(Database(database_url, max_size=1)))
        commands = VideoCommands(database, Timing())
        with pytest.raises(UnavailableError):
            commands.create(new(), per_hour=9)
        with pytest.raises(UnavailableError):
            commands.create(new(), per_hour=9, key=IdempotencyKey("k", "f" * 64))
        assert Observations(database).submission_load(datetime.now(UTC), per_owner=1, at_most=1) == SubmissionLoad()
        admin.execute(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
        with pytest.raises(UnavailableError):
            commands.create(new(), per_hour=9)
        assert commands.create(new(), per_hour=9).row


def test_a_server_lost_without_closing_its_connections_is_noticed_within_seconds(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The behaviour is Linux's; the test checks the options that it is given."""
    opened: list[DeadlineConnection] = []
    connect = DeadlineConnection.connect

    def noting(*args: Any, **kwargs: Any) -> DeadlineConnection:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(DeadlineConnection, "connect", noting)
    nudges = listen(database_url, quiet_seconds=0.01)
    assert next(nudges) is None
    # The pool opens its connections in the same way.
    assert "video-uploads-listen" in {each.info.parameter_status("application_name") for each in opened}
    with database.connection() as pooled:
        for connection in (pooled, *opened):
            with socket.socket(fileno=os.dup(connection.fileno())) as line:
                assert line.family == socket.AF_INET
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
                assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
    nudges.close()  # type: ignore[attr-defined]
