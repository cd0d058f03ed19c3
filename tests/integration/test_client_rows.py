"""Wishes and claims on a real Postgres."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from crds.schedule import Timing
from crds.videoupload import Observed, Phase, Rejection
from desired.attempts import Intend
from desired.claims import Claims
from desired.database import Database
from desired.observations import Observations
from desired.rows import Cause
from desired.wishes import Wishes
from tests.contracts.client_rows_contract import ClientRowsContract, Rows


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool on this test's own database."""
    opened = Database(database_url, max_size=2, timeout_seconds=1)
    yield opened
    opened.close()


class TestDesired(ClientRowsContract):
    @pytest.fixture
    def rows(self, database: Database, database_url: str) -> Rows:
        wishes, observations = Wishes(database, Timing()), Observations(database)

        def observe(video_id: str, intent: Intend | None = None, **changes: object) -> None:
            row = wishes.get(video_id)
            assert row is not None
            seen: Observed = replace(row.observed, **changes)  # type: ignore[arg-type]
            assert observations.commit(row, seen, cause=Cause.POLL, attempt=intent) is not None

        def claimed() -> set[tuple[str, int, str]]:
            with psycopg.connect(database_url) as connection:
                return set(connection.execute("SELECT video_id, attempt, job_id FROM job_claims").fetchall())

        return Rows(
            wishes=wishes,
            claims=Claims(database),
            reject=lambda video_id, confirmations: observe(
                video_id, rejected=Rejection("not_a_video", "no video", "etag@1", confirmations)
            ),
            accept=lambda video_id: observe(video_id, phase=Phase.UPLOADED),
            intend=lambda video_id, attempt: observe(video_id, Intend(attempt, 1, datetime.now(UTC))),
            claimed=claimed,
            stop=database.close,
        )
