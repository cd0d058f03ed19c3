"""The rows on a real Postgres: limits, fences and nudges that need a real database."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from database.attempts import Attempts
from database.commands import VideoCommands
from database.creation import BytesPerDay, BytesSpentError, LimitReachedError, NewRow
from database.idempotency_keys import IdempotencyKey
from database.job_claims import Claims
from database.migrations.__main__ import upgrade
from database.notify import Wakeup, listen
from database.observations import Observations
from database.pool import Database, DeadlineConnection
from domain.errors import UnavailableError
from domain.records import AttemptState, Cause, Intend, Settle, VideoRow
from domain.schedule import Timing
from domain.spending import SubmissionLoad
from domain.video import VIDEO_ID_PATTERN, Phase, Reason, new_video_id
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


def accepted_of(database_url: str, create: Callable[[VideoCommands], bool], *, requests: int) -> int:
    """Return how many of these requests, sent at once to two processes, are accepted."""
    pools = [Database(database_url, max_size=8, timeout_seconds=30) for _ in range(2)]
    commands = [VideoCommands(pools[number % 2], Timing()) for number in range(requests)]
    with ThreadPoolExecutor(requests) as threads:
        accepted = sum(threads.map(create, commands))
    for pool in pools:
        pool.close()
    return accepted


def test_the_hourly_limit_is_exact_for_parallel_requests_to_two_processes(database_url: str) -> None:
    waits: list[float] = []

    def create(commands: VideoCommands) -> bool:
        try:
            commands.create(new(), per_hour=10)
        except LimitReachedError as error:
            waits.append(error.retry_after_seconds)
            return False
        return True

    assert accepted_of(database_url, create, requests=50) == 10
    assert all(3500 <= wait <= 3600 for wait in waits)


def test_the_daily_limit_of_bytes_is_exact_for_parallel_requests_to_two_processes(database_url: str) -> None:
    def create(commands: VideoCommands) -> bool:
        video = a_new_video(new_video_id(), declared_bytes=9)
        try:
            commands.create(video, per_hour=100, per_day=BytesPerDay(at_most=9 * 10, largest=9))
        except BytesSpentError:
            return False
        return True

    assert accepted_of(database_url, create, requests=30) == 10


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


def test_a_repeated_confirmation_changes_nothing_until_the_first_was_answered(database: Database) -> None:
    row, commands = a_row(database), VideoCommands(database, Timing())
    first = commands.confirm(row.desired.video_id)
    assert (first.desired.confirmations, first.desired.revision) == (1, 2)
    assert commands.confirm(row.desired.video_id) == first


def test_an_observation_based_on_an_older_one_is_not_written(database: Database) -> None:
    row, observations = a_row(database), Observations(database)
    shown = replace(row.observed, reason=Reason.FILE_REJECTED)
    newer = observations.commit(row, shown, cause=Cause.POLL)
    assert newer is not None
    assert observations.commit(row, row.observed, cause=Cause.POLL) is None
    assert observations.get(row.desired.video_id) == newer


def test_a_decision_about_an_older_desired_state_is_not_written(database: Database) -> None:
    row, observations = a_row(database), Observations(database)
    VideoCommands(database, Timing()).confirm(row.desired.video_id)
    assert observations.commit(row, row.observed, cause=Cause.POLL) is None


def test_the_end_of_a_paid_job_is_written_even_if_the_desired_state_changed(database: Database) -> None:
    row, observations = a_row(database), Observations(database)
    intended = observations.commit(row, replace(row.observed, attempt=1), cause=Cause.POLL, attempt=Intend(1, 1, NOW))
    assert intended is not None
    VideoCommands(database, Timing()).confirm(row.desired.video_id)
    settled = Settle(1, AttemptState.ACCEPTED, NOW, job_id="job1")
    assert observations.commit(intended, intended.observed, cause=Cause.POLL, attempt=settled) is not None
    (attempt,) = Attempts(database).since(row.desired.video_id, floor=0)
    assert (attempt.state, attempt.job_id) == (AttemptState.ACCEPTED, "job1")


@pytest.mark.parametrize(
    ("state", "is_allowed"),
    [
        pytest.param(None, False, id="a-second-operator"),
        pytest.param(AttemptState.UNCERTAIN, False, id="an-uncertain-one"),
        pytest.param(AttemptState.ACCEPTED, False, id="an-accepted-one"),
        pytest.param(AttemptState.REFUSED, True, id="one-that-certainly-led-to-no-job"),
    ],
)
def test_an_attempt_is_recorded_again_only_if_it_led_to_nothing(
    database: Database, state: AttemptState | None, is_allowed: bool
) -> None:
    observations = Observations(database)
    row: VideoRow | None = a_row(database)
    assert row is not None
    row = observations.commit(row, row.observed, cause=Cause.POLL, attempt=Intend(1, 1, NOW))
    assert row is not None
    if state is not None:
        row = observations.commit(row, row.observed, cause=Cause.POLL, attempt=Settle(1, state, NOW))
        assert row is not None
    again = observations.commit(row, row.observed, cause=Cause.POLL, attempt=Intend(1, 1, NOW))
    assert (again is not None) == is_allowed


def test_claims_are_stored_only_for_attempts_that_exist(database: Database) -> None:
    row, claims = a_row(database), Claims(database)
    claims.record(video_id=row.desired.video_id, attempt=1, job_id="early")
    Observations(database).commit(row, row.observed, cause=Cause.POLL, attempt=Intend(1, 1, NOW))
    for number in range(20):
        claims.record(video_id=row.desired.video_id, attempt=1, job_id=f"job{number}")
    assert list(claims.of_attempt(row.desired.video_id, 1)) == [f"job{number}" for number in range(12, 20)]


def test_a_confirmation_nudges_the_listener(database: Database, database_url: str) -> None:
    row, is_open, wakeups = a_row(database), threading.Event(), list[Wakeup]()

    def collect() -> None:
        for nudge in listen(database_url, quiet_seconds=0.2):
            is_open.set()
            if nudge is not None:
                wakeups.append(nudge)
                return

    listener = threading.Thread(target=collect)
    listener.start()
    assert is_open.wait(10)
    VideoCommands(database, Timing()).confirm(row.desired.video_id)
    listener.join(10)
    assert [(nudge.video_id, nudge.cause) for nudge in wakeups] == [(row.desired.video_id, Cause.CLIENT)]


def test_upgrading_again_and_from_two_processes_at_once_changes_nothing(database_url: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        assert len(set(threads.map(upgrade, [database_url] * 2))) == 1


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
