"""Rows adopt the state of resources, on a real Postgres."""

from collections.abc import Iterator

import psycopg
import pytest

from database.adoption import Adoption
from database.attempts import Attempts
from database.commands import VideoCommands
from database.creation import NewRow
from database.events import EventLog
from database.observations import Observations
from database.pool import Database
from database.retention import Retention
from domain.records import VideoRow
from domain.schedule import Timing
from tests.support.contracts.adoption_contract import VIDEO, AdoptionContract, AdoptionRecords


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool of connections to a migrated, empty database."""
    pool = Database(database_url, max_size=4)
    yield pool
    pool.close()


class TestPostgresLearning(AdoptionContract):
    @pytest.fixture
    def records(self, database: Database, database_url: str) -> AdoptionRecords:
        commands = VideoCommands(database, Timing())

        def create(video_id: str) -> VideoRow:
            key = f"uploads/{video_id}/original.mp4"
            new = NewRow(video_id, "user-1", "A film", "film.mp4", "video/mp4", None, "tor1", key)
            return commands.create(new, per_hour=100).row

        def notified() -> set[tuple[str, int, str]]:
            with psycopg.connect(database_url) as connection:
                return set(connection.execute("SELECT video_id, edition, kind FROM notifications").fetchall())

        create(VIDEO)
        return AdoptionRecords(
            Adoption(database),
            Observations(database),
            Attempts(database),
            Retention(database),
            create,
            EventLog(database).of_video,
            notified,
        )
