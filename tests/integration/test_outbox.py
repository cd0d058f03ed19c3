"""Notifications on a real Postgres, sent to a real receiver that verifies them with a third-party library."""

import base64
import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from controller.failpoints import deliveries_with_failpoints
from controller.notify.backoff import ATTEMPTS_MAX, PAUSES_SECONDS, Backoff
from controller.notify.deliver import Channels, deliver_one
from controller.notify.webhook import WebhookSender
from database.captions import CaptionRows
from database.commands import VideoCommands
from database.deliveries import Deliveries, DeliverySelection
from database.observations import Observations
from database.outbox import Outbox
from database.pool import Database
from database.retention import Retention
from database.webhook_endpoints import Endpoints
from domain.captions import CaptionTrack, PublishedCaptions, digest_of
from domain.notifications import PROGRESS_KINDS, VIDEO_NOTIFICATION_KINDS, NotificationKind, WebhookFormat
from domain.records import Cause
from domain.schedule import Timing
from domain.video import Phase, Published, Reason, new_video_id
from tests.support.builders.videos import a_new_video, in_phase
from tests.support.contracts.retention_contract import errored, ready
from tests.support.webhook_receiver import Receiver, Reply
from tests.support.world.clock import FakeClock
from tests.support.world.failpoints import Failpoints
from tests.support.world.kill_switch import KilledError

BASE = "https://cdn.example.com"
ALBUM = {"album": "7"}


def a_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that is there."""
    with Receiver("127.0.0.1").serving() as running:
        yield running


class NotificationHarness:
    """Everything between a video and its receivers, with a clock that tests turn."""

    def __init__(self, database: Database) -> None:
        self.clock = FakeClock()
        self.outbox, self.endpoints = Outbox(database), Endpoints(database)
        self.channels = Channels(self.outbox, WebhookSender(playback_base=BASE, allow_private=True), None)
        self._database = database
        self._commands, self._observations = VideoCommands(database, Timing()), Observations(database)
        self._captions = CaptionRows(database)

    def video(self, video_id: str = "", *, email: str | None = None) -> str:
        """Create a video, under a new id unless one is given."""
        video_id = video_id or new_video_id()
        self._commands.create(a_new_video(video_id, metadata=ALBUM, email=email), per_hour=1000)
        return video_id

    def purge(self, video_id: str) -> None:
        """Delete a video and remove its row."""
        assert Retention(self._database).purge(self._commands.delete(video_id))

    def ends(self, video_id: str, how: NotificationKind = NotificationKind.READY) -> None:
        """Bring a video to rest."""
        row = self._observations.get(video_id)
        assert row is not None
        after = ready(row.observed, is_playable=True) if how is NotificationKind.READY else errored(row.observed)
        assert self._observations.commit(row, after, cause=Cause.POLL) is not None

    def reaches(self, video_id: str, *phases: Phase) -> None:
        """Observe a video in one phase after another."""
        for phase in phases:
            row = self._observations.get(video_id)
            assert row is not None
            after = replace(row.observed, **in_phase(phase))
            assert self._observations.commit(row, after, cause=Cause.POLL) is not None

    def captioned(self, video_id: str, *languages: str) -> None:
        """Want captions in these languages and no others."""
        row = self._observations.get(video_id)
        assert row is not None
        for track in row.captions.tracks:
            if track.language not in languages:
                self._commands.remove_captions(video_id, track.language)
        for language in languages:
            self._commands.put_captions(
                video_id, CaptionTrack(language, language, False, digest_of(language)), language
            )

    def publishes_captions(self, video_id: str, *, reason: Reason = Reason.PUBLISHED, attempt: int = 1) -> None:
        """Publish the captions that are wanted, as a pass that observed this reason."""
        row = self._observations.get(video_id)
        assert row is not None
        observed = replace(row.observed, reason=reason, published=Published(1, 1, 3.0, (), has_poster=False))
        published = PublishedCaptions(row.captions, attempt)
        assert self._captions.publish(replace(row, observed=observed), published) is not None

    def endpoint(
        self, url: str, secret: str | None = None, kinds: tuple[NotificationKind, ...] = VIDEO_NOTIFICATION_KINDS
    ) -> UUID:
        """Register an endpoint."""
        made = self.endpoints.create(url=url, description="", kinds=kinds, secret=secret or a_secret())
        return made.endpoint_id

    def dispatch(self) -> int:
        """Address what is new."""
        return self.outbox.dispatch(with_mail=True, now=self.clock.now(), at_most=100)

    def deliver(self) -> int:
        """Make every delivery that is due now; returns how many."""
        self.dispatch()
        return sum(self._drained(lane) for lane in self.outbox.due_queues(with_mail=False, now=self.clock.now()))

    def _drained(self, lane: str) -> int:
        count = 0
        while deliver_one(lane, self.channels, Backoff(), self.clock.now):
            count += 1
        return count

    def deliveries(self) -> list[tuple[str, int]]:
        """Return state and attempts of every delivery."""
        with self._database.connection() as connection:
            found = connection.execute("SELECT state, attempts FROM deliveries ORDER BY created_at, lane").fetchall()
        return [(columns["state"], columns["attempts"]) for columns in found]


@pytest.fixture
def office(database: Database) -> NotificationHarness:
    return NotificationHarness(database)


def test_an_endpoint_can_verify_the_webhook_of_a_ready_video(office: NotificationHarness, receiver: Receiver) -> None:
    secret, video_id = a_secret(), office.video()
    office.endpoint(receiver.url(), secret)
    office.ends(video_id, NotificationKind.READY)

    assert office.deliver() == 1
    assert office.deliver() == 0
    (received,) = receiver.received
    body = received.verified(secret)
    assert body["type"] == "video.ready"
    assert body["data"]["video_id"] == video_id
    assert body["data"]["metadata"] == {"album": "7"}
    assert body["data"]["playback_url"] == f"{BASE}/processed/{video_id}/playlist.m3u8"
    assert office.deliveries() == [("delivered", 1)]
    with pytest.raises(WebhookVerificationError):
        received.verified(a_secret())


def test_retries_back_off_under_one_id_until_the_receiver_accepts(
    office: NotificationHarness, receiver: Receiver
) -> None:
    secret = a_secret()
    office.endpoint(receiver.url(), secret)
    office.ends(office.video())
    receiver.replies["/hooks"] = [Reply(500, body=b"no"), Reply(404), Reply(302, {"Location": receiver.url("/other")})]
    for pause in PAUSES_SECONDS[:3]:
        assert office.deliver() == 1
        office.clock.advance(pause - 1)
        assert office.deliver() == 0
        office.clock.advance(1 + pause / 10)
    assert office.deliver() == 1

    assert len({received.message_id for received in receiver.received}) == 1
    assert len({received.body for received in receiver.received}) == 1
    assert [received.path for received in receiver.received] == ["/hooks"] * 4, "no redirect is followed"
    assert all(received.verified(secret) for received in receiver.received)
    assert office.deliveries() == [("delivered", 4)]


def test_a_delivery_that_is_never_accepted_fails_at_last(office: NotificationHarness) -> None:
    office.endpoint("http://127.0.0.1:1/")
    office.ends(office.video())
    for _ in range(ATTEMPTS_MAX):
        assert office.deliver() == 1
        office.clock.advance(30 * 3600)

    assert office.deliver() == 0
    assert office.deliveries() == [("failed", ATTEMPTS_MAX)]


@pytest.mark.parametrize("how", VIDEO_NOTIFICATION_KINDS)
def test_what_a_restored_dump_lacks_is_notified_again_under_its_id(
    office: NotificationHarness, receiver: Receiver, database: Database, how: NotificationKind
) -> None:
    office.endpoint(receiver.url())
    video_id = new_video_id()
    for ending in (video_id, new_video_id(), video_id):
        # As if the dump were older than the video: the cluster tells of it later.
        with database.transaction() as connection:
            for table in ("videos", "tombstones", "notifications"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a constant
        office.video(ending)
        if how is NotificationKind.DELETED:
            office.purge(ending)
        else:
            office.ends(ending, how)
        office.deliver()

    first, of_another, again = receiver.received
    assert first.message_id == again.message_id != of_another.message_id


def test_during_a_rotation_both_secrets_sign(office: NotificationHarness, receiver: Receiver) -> None:
    old, new = a_secret(), a_secret()
    endpoint_id = office.endpoint(receiver.url(), old)
    (registered,) = office.endpoints.all()
    office.ends(office.video())
    office.deliver()
    office.endpoints.add_secret(endpoint_id, new)
    office.ends(office.video())
    office.deliver()
    office.endpoints.remove_secret(endpoint_id, registered.secrets[0].secret_id)
    office.ends(office.video())
    office.deliver()

    before, during, after = receiver.received
    before.verified(old)
    during.verified(old)
    during.verified(new)
    after.verified(new)
    for received, secret in ((before, new), (after, old)):
        with pytest.raises(WebhookVerificationError):
            received.verified(secret)


def test_an_endpoint_that_answered_gone_gets_no_more_deliveries_and_the_others_do(
    office: NotificationHarness, receiver: Receiver
) -> None:
    gone_id = office.endpoint(receiver.url("/gone"))
    office.endpoint(receiver.url("/here"))
    receiver.replies["/gone"] = [Reply(410)]
    for _ in range(2):
        office.ends(office.video())
        office.deliver()

    assert (len(receiver.at("/gone")), len(receiver.at("/here"))) == (1, 2)
    gone = office.endpoints.get(gone_id)
    assert gone is not None
    assert gone.disabled_reason == "gone"


def test_a_receivers_retry_after_delays_all_its_deliveries(office: NotificationHarness, receiver: Receiver) -> None:
    office.endpoint(receiver.url())
    for _ in range(2):
        office.ends(office.video())
    receiver.replies["/hooks"] = [Reply(429, {"Retry-After": "3600"})]
    assert office.deliver() == 1
    office.clock.advance(3599)
    assert office.deliver() == 0
    office.clock.advance(1)
    assert office.deliver() == 2


def test_a_kill_between_sending_and_recording_repeats_the_delivery_under_its_id(
    office: NotificationHarness, receiver: Receiver
) -> None:
    office.endpoint(receiver.url())
    office.ends(office.video())
    points = Failpoints()
    points.deadly = "Deliver.webhooks.send.1:after"
    office.dispatch()
    (lane,) = office.outbox.due_queues(with_mail=False, now=office.clock.now())
    with pytest.raises(KilledError):
        deliver_one(lane, deliveries_with_failpoints(points.reached)(office.channels), Backoff(), office.clock.now)
    assert office.deliveries() == [("pending", 1)]
    assert office.deliver() == 0, "its lease has not ended"
    office.clock.advance(Backoff().lease_seconds)
    assert office.deliver() == 1

    assert [received.message_id for received in receiver.received] == [receiver.received[0].message_id] * 2
    assert office.deliveries() == [("delivered", 2)]


def test_two_operators_at_once_send_each_delivery_once(office: NotificationHarness, receiver: Receiver) -> None:
    office.endpoint(receiver.url())
    for _ in range(20):
        office.ends(office.video())
    office.dispatch()
    (lane,) = office.outbox.due_queues(with_mail=False, now=office.clock.now())

    def drain(_operator: int) -> int:
        return sum(1 for _ in iter(lambda: deliver_one(lane, office.channels, Backoff(), office.clock.now), False))

    with ThreadPoolExecutor(2) as operators:
        assert sum(operators.map(drain, range(2))) == 20
    assert len({received.message_id for received in receiver.received}) == len(receiver.received) == 20


def test_sequence_numbers_of_a_video_rise_and_outlive_it(office: NotificationHarness, receiver: Receiver) -> None:
    secret, video_id = a_secret(), office.video()
    office.endpoint(receiver.url(), secret)
    office.ends(video_id, NotificationKind.ERRORED)
    office.ends(video_id, NotificationKind.READY)
    office.purge(video_id)
    office.deliver()

    body = [received.verified(secret) for received in receiver.received]
    assert sorted(one["type"] for one in body) == ["video.deleted", "video.errored", "video.ready"]
    by_sequence = sorted(body, key=lambda one: one["data"]["sequence"])
    assert [one["type"] for one in by_sequence] == ["video.errored", "video.ready", "video.deleted"]
    assert len({one["data"]["sequence"] for one in body}) == 3
    assert {one["data"]["title"] for one in body} == {"Cats"}


def test_a_replay_sends_the_same_message(office: NotificationHarness, receiver: Receiver, database: Database) -> None:
    endpoint_id, deliveries = office.endpoint(receiver.url()), Deliveries(database)
    office.ends(office.video())
    office.deliver()
    (row,) = deliveries.page(DeliverySelection(), after=None, at_most=9).rows
    deliveries.replay(row.delivery_id)
    # Postgres has a clock of its own.
    office.clock.set_wrong((datetime.now(UTC) - office.clock.now()).total_seconds() + 60)
    assert office.deliver() == 1
    since = row.created_at - timedelta(hours=1)
    done = deliveries.replay_range(endpoint_id, since=since, until=since + timedelta(days=1), at_most=9)
    assert done is not None
    assert (done.count, office.deliver()) == (1, 1)

    assert len({received.message_id for received in receiver.received}) == 1
    assert len({received.body for received in receiver.received}) == 1


def test_private_targets_are_refused_at_delivery_too(office: NotificationHarness, receiver: Receiver) -> None:
    office.endpoint(receiver.url().replace("http://", "https://"))
    office.ends(office.video())
    office.channels = Channels(office.outbox, WebhookSender(playback_base=BASE, allow_private=False), None)
    assert office.deliver() == 1
    assert office.deliveries() == [("pending", 1)]
    assert receiver.received == []


def test_an_endpoint_that_names_progress_gets_it_once(office: NotificationHarness, receiver: Receiver) -> None:
    office.endpoint(f"{receiver.url()}/progress", kinds=(*PROGRESS_KINDS, NotificationKind.READY))
    office.endpoint(f"{receiver.url()}/ends")
    video_id = office.video(email="ann@example.com")
    # The first job failed, and another one was submitted.
    office.reaches(video_id, *[Phase.UPLOADED, Phase.PROCESSING] * 2)
    assert office.deliver() == 2
    office.ends(video_id)
    # To two endpoints; the mail waits for a server.
    assert office.deliver() == 2

    told = [(one.path.rpartition("/")[2], json.loads(one.body)["type"]) for one in receiver.received]
    assert sorted(told) == [
        ("ends", "video.ready"),
        ("progress", "video.processing"),
        ("progress", "video.ready"),
        ("progress", "video.uploaded"),
    ]
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 3
    assert office.deliveries().count(("pending", 0)) == 1


def test_an_endpoint_that_names_captions_gets_each_change_beside_a_public_stream(
    office: NotificationHarness, receiver: Receiver
) -> None:
    office.endpoint(f"{receiver.url()}/captions", kinds=(NotificationKind.CAPTIONS,))
    office.endpoint(f"{receiver.url()}/ends")
    video_id = office.video(email="ann@example.com")
    office.captioned(video_id, "en")
    office.publishes_captions(video_id, reason=Reason.PUBLISHING)  # its `video.ready` covers these
    office.ends(video_id)
    for languages in (["de"], ["de", "fr"], ["de"]):
        office.captioned(video_id, *languages)
        office.publishes_captions(video_id)
        office.publishes_captions(video_id)  # again, as a pass that was killed
    office.publishes_captions(video_id, attempt=2)  # the same beside another stream
    assert office.deliver() == 4

    arrived = [(one.path.rpartition("/")[2], json.loads(one.body)) for one in receiver.received]
    assert [body["data"]["captions"] for path, body in arrived if path == "captions"] == [["de"], ["de", "fr"], ["de"]]
    assert [body["type"] for path, body in arrived if path == "ends"] == ["video.ready"]
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 4


def test_captions_that_no_endpoint_names_are_not_written(office: NotificationHarness, receiver: Receiver) -> None:
    office.endpoint(receiver.url(), kinds=(NotificationKind.DELETED,))
    video_id = office.video()
    office.ends(video_id)
    office.dispatch()
    office.captioned(video_id, "en")
    office.publishes_captions(video_id)
    assert office.dispatch() == 0


def test_progress_that_no_endpoint_names_is_not_written(office: NotificationHarness, receiver: Receiver) -> None:
    office.endpoint(receiver.url())
    office.reaches(office.video(), Phase.UPLOADED, Phase.PROCESSING)
    assert office.dispatch() == 0


def test_an_endpoint_can_verify_a_cloud_event(office: NotificationHarness, receiver: Receiver) -> None:
    secret, video_id = a_secret(), office.video()
    made = office.endpoints.create(
        url=receiver.url(),
        description="",
        kinds=VIDEO_NOTIFICATION_KINDS,
        secret=secret,
        format=WebhookFormat.CLOUDEVENTS,
    )
    assert made.format is WebhookFormat.CLOUDEVENTS
    office.ends(video_id)
    assert office.deliver() == 1

    (received,) = receiver.received
    event = received.verified(secret)
    assert received.headers["content-type"] == "application/cloudevents+json"
    assert (event["specversion"], event["type"], event["subject"]) == ("1.0", "dev.uploads.video.ready", video_id)
    assert event["id"] == received.headers["webhook-id"]
