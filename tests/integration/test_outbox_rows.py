"""Endpoints and deliveries on a real Postgres."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from database.commands import VideoCommands
from database.creation import NewVideo
from database.deliveries import Deliveries
from database.observations import Observations
from database.outbox import Outbox
from database.pool import Database
from database.webhook_endpoints import Endpoints
from domain.notifications import NotificationKind
from domain.records import Cause
from domain.schedule import Timing
from domain.video import UploadMode, new_video_id
from tests.support.contracts.outbox_contract import Office, OutboxContract
from tests.support.contracts.retention_contract import errored, ready


class TestPostgresOutbox(OutboxContract):
    @pytest.fixture
    def office(self, database_url: str) -> Iterator[Office]:
        database = Database(database_url, max_size=2)
        commands, observations = VideoCommands(database, Timing()), Observations(database)

        def tell(kind: NotificationKind = NotificationKind.READY, *, email: str | None = None) -> str:
            video_id = new_video_id()
            key = f"uploads/{video_id}/original.mp4"
            new = NewVideo(video_id, "ann", "Cats", "c.mp4", "video/mp4", 9, "tor1", key, UploadMode.SINGLE, {}, email)
            row = commands.create(new, per_hour=1000).row
            after = ready(row.observed) if kind is NotificationKind.READY else errored(row.observed)
            assert observations.commit(row, after, cause=Cause.POLL) is not None
            return video_id

        # Postgres has a clock of its own: whatever it makes is due a little later here.
        yield Office(
            Outbox(database),
            Endpoints(database),
            Deliveries(database),
            tell,
            now=lambda: datetime.now(UTC) + timedelta(seconds=1),
        )
        database.close()
