"""The retention of rows on a real Postgres."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from database.attempts import Attempts
from database.commands import VideoCommands
from database.observations import Observations
from database.pool import Database
from database.retention import Retention
from domain.records import VideoRow
from domain.schedule import Timing
from domain.video import Phase
from tests.support.builders.videos import a_new_video
from tests.support.contracts.retention_contract import LATER, VIDEO, Ends, RetentionContract, ready

_NOTIFIED = "SELECT edition, kind FROM notifications WHERE video_id = %(video_id)s"
_ADDRESSED = """
INSERT INTO deliveries (notification_id, video_id, next_at)
SELECT notification_id, video_id, created_at FROM notifications
"""


class TestPostgresEndings(RetentionContract):
    @pytest.fixture
    def database(self, database_url: str) -> Iterator[Database]:
        """A pool of connections to a migrated, empty database."""
        pool = Database(database_url, max_size=2)
        yield pool
        pool.close()

    @pytest.fixture
    def ends(self, database: Database) -> Ends:
        commands = VideoCommands(database, Timing())

        def create(video_id: str) -> VideoRow:
            return commands.create(a_new_video(video_id), per_hour=100).row

        def notified(video_id: str) -> list[tuple[int, str]]:
            with database.connection() as connection:
                found = connection.execute(_NOTIFIED, {"video_id": video_id}).fetchall()
            return [(columns["edition"], columns["kind"]) for columns in found]

        create(VIDEO)
        observations, attempts, retention = Observations(database), Attempts(database), Retention(database)
        return Ends(
            observations,
            attempts,
            retention,
            create,
            commands.delete,
            commands.restore,
            commands.confirm,
            notified,
        )

    def test_rows_a_month_old_are_deleted_with_all_that_refers_to_them(self, ends: Ends, database: Database) -> None:
        ends.delete(VIDEO)
        ends.retention.purge(ends.row())
        with database.connection() as connection:
            connection.execute(_ADDRESSED)
            connection.execute("UPDATE tombstones SET purged_at = purged_at - interval '30 days'")
            connection.execute("UPDATE notifications SET created_at = created_at - interval '30 days'")
        assert ends.retention.forget_old(at_most=1) == 2
        assert ends.retention.forget_old() == 0
        assert ends.retention.last_attempt(VIDEO) is None
        assert ends.notified(VIDEO) == []
        with database.connection() as connection:
            assert connection.execute("SELECT FROM deliveries").fetchall() == []

    def test_what_was_notified_before_ids_followed_from_it_is_not_notified_again(
        self, ends: Ends, database: Database
    ) -> None:
        row = ends.commit(ready(ends.row().observed))
        with database.connection() as connection:
            connection.execute("UPDATE notifications SET notification_id = gen_random_uuid()")
        row = ends.commit(replace(row.observed, phase=Phase.PROCESSING, deadline_at=ends.now() + LATER))
        ends.commit(ready(row.observed))
        assert ends.notified(VIDEO) == [(1, "video.ready")]

    def test_a_backlog_is_deleted_in_batches(self, ends: Ends, database: Database) -> None:
        with database.connection() as connection:
            connection.execute(
                "INSERT INTO tombstones (video_id, last_attempt, purged_at) "
                "SELECT lpad(n::text, 26, 'a'), 0, clock_timestamp() - interval '31 days' FROM generate_series(1, 5) n"
            )
        assert [ends.retention.forget_old(at_most=2) for _ in range(4)] == [2, 2, 1, 0]

    def test_a_purge_that_began_cannot_be_undone_even_if_the_operators_clock_is_wrong(
        self, ends: Ends, database: Database
    ) -> None:
        timing, commands = Timing(), VideoCommands(database, Timing())
        deleted = ends.delete(VIDEO)
        assert not commands.restore(VIDEO).desired.deleted
        deleted = ends.delete(VIDEO)
        grace = timing.scaled(timing.delete_grace_seconds)
        assert ends.retention.begin_purge(deleted, grace=grace) is not None

        assert commands.restore(VIDEO).desired.deleted
        assert ends.retention.purge(ends.row())

    def test_a_purge_does_not_begin_once_the_video_is_restored(self, ends: Ends, database: Database) -> None:
        deleted = ends.delete(VIDEO)
        VideoCommands(database, Timing()).restore(VIDEO)

        assert ends.retention.begin_purge(deleted, grace=LATER) is None
