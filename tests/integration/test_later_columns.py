"""A newer release migrates while this one still serves: Postgres refuses a prepared statement whose columns change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql

from database.audit import AuditedRows
from database.catalogue import Catalogue, CatalogueSelection
from database.commands import VideoCommands
from database.deliveries import Deliveries, DeliverySelection
from database.observations import Observations
from database.outbox import Outbox
from database.overview import Overviews
from database.pool import Database
from database.queries import Selection, VideoQueries
from database.webhook_endpoints import Endpoints
from domain.notifications import NotificationKind
from domain.schedule import Timing
from domain.video import new_video_id
from tests.support.builders.videos import a_new_video

# psycopg prepares a statement when it comes for the sixth time on one connection.
_UNTIL_PREPARED = 6
_ADD = sql.SQL("ALTER TABLE {} ADD COLUMN of_a_later_release text NOT NULL DEFAULT 'x'")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool of one connection: what it has prepared is what the next call uses."""
    made = Database(database_url, max_size=1)
    yield made
    made.close()


class RunningRelease:
    """What a running release asks Postgres for, again and again."""

    def __init__(self, database: Database) -> None:
        self.queries, self.commands = VideoQueries(database), VideoCommands(database, Timing())
        self.catalogue = Catalogue(database)
        self.observations, self.overviews = Observations(database), Overviews(database)
        self.audited = AuditedRows(database)
        self.endpoints, self.deliveries, self.outbox = Endpoints(database), Deliveries(database), Outbox(database)
        self.endpoint_id = self.endpoints.create(
            url="https://hooks.example.com", description="", kinds=[NotificationKind.READY], secret="whsec_" + "A" * 32
        ).endpoint_id

    def work(self) -> None:
        """Read and write each table once, as a video's life does."""
        video_id, now = new_video_id(), datetime.now(UTC)
        self.commands.create(a_new_video(video_id), per_hour=100)
        self.commands.confirm(video_id)
        self.queries.of_owner(Selection("ann"), after=None, at_most=5)
        self.catalogue.page(CatalogueSelection(title="a"), after=None, at_most=5)
        self.observations.get(video_id)
        self.overviews.look(now)
        self.audited.working(after="", at_most=5)
        self.audited.all(after="", at_most=5)
        self.commands.delete(video_id)
        self.commands.restore(video_id)
        assert self.queries.get(video_id) is not None
        self.endpoints.get(self.endpoint_id)
        self.deliveries.test(self.endpoint_id)
        self.outbox.dispatch(with_mail=True, now=now, at_most=5)
        self.outbox.take(str(self.endpoint_id), now=now, leased_until=now + timedelta(minutes=1))
        self.deliveries.page(DeliverySelection(), after=None, at_most=5)


def test_columns_that_a_newer_release_adds_are_ignored(database: Database, database_url: str) -> None:
    release = RunningRelease(database)
    for _ in range(_UNTIL_PREPARED):
        release.work()
    with psycopg.connect(database_url, autocommit=True) as newer:
        tables = newer.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            newer.execute(_ADD.format(sql.Identifier(table)))

    release.work()
