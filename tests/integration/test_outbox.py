"""Notifications on a real Postgres, sent to a real receiver that verifies them with somebody else's library."""

import base64
import secrets
from collections.abc import Iterator
from uuid import UUID

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from controller.outbox.delivering import Ways, deliver_one
from controller.outbox.schedule import Schedule
from controller.outbox.webhooks import Webhooks
from crds.schedule import Timing
from crds.videoupload import UploadMode, new_video_id
from desired.database import Database
from desired.endpoints import Endpoints
from desired.notifications import TOLD_OF_VIDEOS, Kind
from desired.observations import Observations
from desired.outbox import Outbox
from desired.rows import Cause
from desired.wishes import NewVideo, Wishes
from tests.contracts.endings_contract import errored, ready
from tests.fakes.clock import FakeClock
from tests.integration.receiver import Receiver

BASE = "https://cdn.example.com"
ALBUM = {"album": "7"}


def a_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool on this test's own database."""
    pool = Database(database_url, max_size=8)
    yield pool
    pool.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that is there."""
    with Receiver("127.0.0.1").serving() as running:
        yield running


class Office:
    """Everything between a video and its receivers, with a clock that tests turn."""

    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.outbox, self.endpoints = Outbox(database), Endpoints(database)
        self.ways = Ways(self.outbox, Webhooks(playback_base=BASE, allow_private=True), None)
        self._database = database
        self._wishes, self._observations = Wishes(database, Timing()), Observations(database)

    def video(self, *, email: str | None = None) -> str:
        """Create a video."""
        video_id = new_video_id()
        key = f"uploads/{video_id}/original.mp4"
        new = NewVideo(video_id, "ann", "Cats", "c.mp4", "video/mp4", 9, "tor1", key, UploadMode.SINGLE, ALBUM, email)
        self._wishes.create(new, per_hour=1000)
        return video_id

    def ends(self, video_id: str, how: Kind = Kind.READY) -> None:
        """Bring a video to rest."""
        row = self._observations.get(video_id)
        assert row is not None
        after = ready(row.observed, is_playable=True) if how is Kind.READY else errored(row.observed)
        assert self._observations.commit(row, after, cause=Cause.POLL) is not None

    def endpoint(self, url: str, secret: str | None = None, kinds: tuple[Kind, ...] = TOLD_OF_VIDEOS) -> UUID:
        """Register an endpoint."""
        made = self.endpoints.create(url=url, description="", kinds=kinds, secret=secret or a_secret())
        return made.endpoint_id

    def dispatch(self) -> int:
        """Address what is new."""
        return self.outbox.dispatch(with_mail=True, now=self.clock.now(), at_most=100)

    def deliver(self) -> int:
        """Make every delivery that is due now; returns how many."""
        self.dispatch()
        return sum(self._drained(lane) for lane in self.outbox.due_lanes(with_mail=False, now=self.clock.now()))

    def _drained(self, lane: str) -> int:
        count = 0
        while deliver_one(lane, self.ways, Schedule(), self.clock.now):
            count += 1
        return count

    def deliveries(self) -> list[tuple[str, int]]:
        """Return state and attempts of every delivery."""
        with self._database.connection() as connection:
            found = connection.execute("SELECT state, attempts FROM deliveries ORDER BY created_at, lane").fetchall()
        return [(columns["state"], columns["attempts"]) for columns in found]


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database)


def test_a_ready_video_is_told_to_an_endpoint_that_verifies_it(office: Office, receiver: Receiver) -> None:
    secret, video_id = a_secret(), office.video()
    office.endpoint(receiver.url(), secret)
    office.ends(video_id, Kind.READY)

    assert office.deliver() == 1
    assert office.deliver() == 0
    (received,) = receiver.received
    told = received.verified(secret)
    assert told["type"] == "video.ready"
    assert told["data"]["video_id"] == video_id
    assert told["data"]["metadata"] == {"album": "7"}
    assert told["data"]["playback_url"] == f"{BASE}/processed/{video_id}/playlist.m3u8"
    assert office.deliveries() == [("delivered", 1)]
    with pytest.raises(WebhookVerificationError):
        received.verified(a_secret())
