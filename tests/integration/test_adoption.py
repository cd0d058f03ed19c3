"""Rows adopt the state of resources, on a real Postgres."""

import psycopg
import pytest

from database.adoption import Adoption
from database.attempts import Attempts
from database.commands import VideoCommands
from database.events import EventLog
from database.observations import Observations
from database.pool import Database
from database.retention import Retention
from domain.records import VideoRow
from domain.schedule import Timing
from tests.support.builders.videos import a_new_video
from tests.support.contracts.adoption_contract import VIDEO, AdoptionContract, AdoptionRecords


class TestPostgresLearning(AdoptionContract):
    @pytest.fixture
    def records(self, database: Database, database_url: str) -> AdoptionRecords:
        commands = VideoCommands(database, Timing())

        def create(video_id: str) -> VideoRow:
            return commands.create(a_new_video(video_id), per_hour=100).row

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
