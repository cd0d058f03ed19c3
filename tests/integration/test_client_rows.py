"""Wishes and claims on a real Postgres."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

import psycopg
import pytest

from database.commands import VideoCommands
from database.events import Events
from database.idempotency_keys import IdempotencyKey, made_before
from database.job_claims import Claims
from database.notify import listen
from database.observations import Observations
from database.pool import Database
from database.queries import VideoQueries
from domain.records import Cause, Intend
from domain.schedule import Timing
from domain.video import ObservedState
from tests.support.contracts.client_rows_contract import ClientRowsContract, Rows
from tests.support.contracts.creating_contract import CreatingContract
from tests.support.contracts.lists_contract import ListsContract
from tests.support.contracts.multipart_rows_contract import MultipartRowsContract
from tests.support.contracts.retranscodes_contract import RetranscodesContract


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool on this test's own database."""
    opened = Database(database_url, max_size=2, timeout_seconds=1)
    yield opened
    opened.close()


class TestDesired(ClientRowsContract, CreatingContract, ListsContract, MultipartRowsContract, RetranscodesContract):
    @pytest.fixture
    def rows(self, database: Database, database_url: str) -> Rows:
        queries, observations = VideoQueries(database), Observations(database)
        heard = listen(database_url, quiet_seconds=5)
        assert next(heard) is None, "the channel is open"

        def observe(video_id: str, intent: Intend | None = None, **changes: object) -> None:
            row = queries.get(video_id)
            assert row is not None
            seen: ObservedState = replace(row.observed, **changes)  # type: ignore[arg-type]
            assert observations.commit(row, seen, cause=Cause.POLL, attempt=intent) is not None

        def change(statement: str, *parameters: object) -> None:
            with psycopg.connect(database_url) as connection:
                connection.execute(statement, parameters)

        def claimed() -> set[tuple[str, int, str]]:
            with psycopg.connect(database_url) as connection:
                return set(connection.execute("SELECT video_id, attempt, job_id FROM job_claims").fetchall())

        @contextmanager
        def hold_key(text: str) -> Iterator[None]:
            other = Database(database_url, max_size=1)
            with other.transaction() as running:
                assert made_before(running, "ann", IdempotencyKey(text, "")) is None
                yield
            other.close()

        return Rows(
            commands=VideoCommands(database, Timing()),
            queries=queries,
            history=Events(database),
            claims=Claims(database),
            observe=observe,
            intend=lambda video_id, attempt: observe(video_id, Intend(attempt, 1, datetime.now(UTC))),
            import_it=lambda video_id: change("UPDATE videos SET origin = 'kubernetes' WHERE video_id = %s", video_id),
            retire=lambda video_id: change("UPDATE videos SET retired = true WHERE video_id = %s", video_id),
            age=lambda video_id, by: change(
                "UPDATE videos SET deleted_at = deleted_at - %s WHERE video_id = %s", by, video_id
            ),
            claimed=claimed,
            # Between two nudges the listener says that it is quiet.
            next_nudge=lambda: next((nudge for nudge in islice(heard, 2) if nudge is not None), None),
            hold_key=hold_key,
            outdate_keys=lambda: change("UPDATE idempotency_keys SET created_at = created_at - interval '1 day'"),
            outdate_retranscodes=lambda: change("UPDATE retranscodes SET asked_at = asked_at - interval '1 day'"),
            stop=database.close,
        )
