"""Notifications, endpoints and deliveries: addressed, leased, settled, replayed, listed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from database.commands import VideoCommands
from database.deliveries import Deliveries, DeliveryRow, DeliverySelection
from database.observations import Observations
from database.outbox import Outbox
from database.pool import Database
from database.webhook_endpoints import (
    ENDPOINTS_MAX,
    SECRETS_MAX,
    EndpointChange,
    Endpoints,
    LastSecretError,
    TooManyError,
)
from domain.notifications import DeliveryResult, DeliveryState, NotificationKind
from domain.records import Cause
from domain.schedule import Timing
from domain.video import new_video_id
from tests.support.builders.videos import a_new_video
from tests.support.contracts import outbox_contract
from tests.support.contracts.outbox_contract import DONE, LATER, SECRET, URL, OutboxContract
from tests.support.contracts.retention_contract import errored, ready

Office = outbox_contract.Office[Endpoints, Deliveries]


@pytest.fixture
def office(empty_url: str) -> Iterator[Office]:
    """An outbox without notifications."""
    database = Database(empty_url, max_size=2)
    commands, observations = VideoCommands(database, Timing()), Observations(database)

    def notify(kind: NotificationKind = NotificationKind.READY, *, email: str | None = None) -> str:
        video_id = new_video_id()
        row = commands.create(a_new_video(video_id, email=email), per_hour=1000).row
        after = ready(row.observed) if kind is NotificationKind.READY else errored(row.observed)
        assert observations.commit(row, after, cause=Cause.POLL) is not None
        return video_id

    # Postgres has its own clock: what it makes is due a moment later by ours.
    yield Office(
        Outbox(database),
        Endpoints(database),
        Deliveries(database),
        notify,
        now=lambda: datetime.now(UTC) + timedelta(seconds=1),
    )
    database.close()


class TestOutbox(OutboxContract):
    """`Outbox` on Postgres."""


def test_an_endpoint_that_answered_gone_gets_nothing_until_it_is_enabled_again(office: Office) -> None:
    endpoint = office.endpoint()
    for _ in range(2):
        office.notify()
    office.dispatch()
    office.record_result(office.taken(endpoint), DeliveryResult(DeliveryState.FAILED, 410, "", is_gone=True))
    stored = office.endpoints.get(endpoint.endpoint_id)
    assert stored is not None
    assert (stored.disabled_at is None, stored.disabled_reason) == (False, "gone")
    assert office.take(endpoint) is None
    assert office.outbox.due_queues(with_mail=True, now=office.now()) == []
    office.notify()
    office.dispatch()
    assert len(office.all()) == 2
    opened = office.endpoints.change(endpoint.endpoint_id, EndpointChange(is_enabled=True))
    assert opened is not None
    assert (opened.disabled_at, opened.disabled_reason) == (None, None)
    assert office.take(endpoint) is not None


def test_an_endpoint_changes_only_in_the_named_fields_and_is_deleted_with_its_deliveries(office: Office) -> None:
    endpoint = office.endpoint()
    office.notify()
    office.dispatch()
    changed = office.endpoints.change(endpoint.endpoint_id, EndpointChange(kinds=[NotificationKind.DELETED]))
    assert changed is not None
    assert (changed.url, changed.description, changed.kinds) == (URL, "ours", (NotificationKind.DELETED,))
    closed = office.endpoints.change(
        endpoint.endpoint_id, EndpointChange(url="https://b.example.com", is_enabled=False)
    )
    assert closed is not None
    assert (closed.url, closed.disabled_reason) == ("https://b.example.com", "person")
    assert office.endpoints.all() == [closed]
    assert office.endpoints.delete(endpoint.endpoint_id)
    assert not office.endpoints.delete(endpoint.endpoint_id)
    assert (office.endpoints.all(), office.all()) == ([], ())
    assert office.endpoints.change(endpoint.endpoint_id, EndpointChange()) is None
    assert office.endpoints.add_secret(endpoint.endpoint_id, SECRET) is None


def test_secrets_can_be_added_and_removed_except_the_last_one(office: Office) -> None:
    endpoint = office.endpoint()
    for number in range(1, SECRETS_MAX):
        assert office.endpoints.add_secret(endpoint.endpoint_id, f"{SECRET[:-1]}{number}") is not None
    with pytest.raises(TooManyError):
        office.endpoints.add_secret(endpoint.endpoint_id, SECRET)
    office.notify()
    office.dispatch()
    taken = office.taken(endpoint)
    assert taken.endpoint is not None
    assert taken.endpoint.secrets == (SECRET, f"{SECRET[:-1]}1", f"{SECRET[:-1]}2")
    stored = office.endpoints.get(endpoint.endpoint_id)
    assert stored is not None
    first, second, third = stored.secrets
    for secret in (first, second):
        assert office.endpoints.remove_secret(endpoint.endpoint_id, secret.secret_id) is not None
    assert office.endpoints.remove_secret(endpoint.endpoint_id, first.secret_id) is None
    with pytest.raises(LastSecretError):
        office.endpoints.remove_secret(endpoint.endpoint_id, third.secret_id)


def test_the_number_of_endpoints_is_limited(office: Office) -> None:
    for _ in range(ENDPOINTS_MAX):
        office.endpoint()
    with pytest.raises(TooManyError):
        office.endpoint()
    assert len(office.endpoints.all()) == ENDPOINTS_MAX


def test_a_delivery_is_repeated_under_the_same_id(office: Office) -> None:
    endpoint = office.endpoint()
    office.notify()
    office.dispatch()
    first = office.taken(endpoint)
    on_its_way = office.deliveries.replay(first.delivery_id)
    assert on_its_way is not None
    assert on_its_way.attempts == 1
    office.record_result(first, DONE)
    replayed = office.deliveries.replay(first.delivery_id)
    assert replayed is not None
    assert (replayed.state, replayed.attempts) == (DeliveryState.PENDING, 0)
    again = office.taken(endpoint)
    assert again.notification.notification_id == first.notification.notification_id
    assert office.deliveries.replay(uuid4()) is None


def test_a_period_can_be_replayed_to_an_endpoint_that_did_not_exist_then(office: Office) -> None:
    early = office.endpoint()
    for kind in (NotificationKind.READY, NotificationKind.ERRORED, NotificationKind.READY):
        office.notify(kind)
    office.dispatch()
    office.record_result(office.taken(early), DONE)
    late = office.endpoint(NotificationKind.READY)
    since, until = office.now() - timedelta(days=1), office.now() + LATER

    done = office.deliveries.replay_range(late.endpoint_id, since=since, until=until, at_most=100)
    assert done is not None
    assert (done.count, done.next_since) == (2, None)
    # Two of them are still on their way.
    done = office.deliveries.replay_range(early.endpoint_id, since=since, until=until, at_most=100)
    assert done is not None
    assert done.count == 1
    assert len(office.all()) == 5
    done = office.deliveries.replay_range(late.endpoint_id, since=until, until=until + LATER, at_most=100)
    assert done is not None
    assert done.count == 0
    assert office.deliveries.replay_range(uuid4(), since=since, until=until, at_most=100) is None


def test_a_long_period_is_replayed_in_several_calls(office: Office) -> None:
    for _ in range(5):
        office.notify()
    office.dispatch()
    endpoint = office.endpoint()
    since, until, counts = office.now() - timedelta(days=1), office.now() + LATER, []
    while True:
        done = office.deliveries.replay_range(endpoint.endpoint_id, since=since, until=until, at_most=2)
        assert done is not None
        counts.append(done.count)
        if done.next_since is None:
            break
        since = done.next_since
    assert sum(counts) == 5


def test_each_test_delivery_goes_to_one_endpoint_under_its_own_id(office: Office) -> None:
    endpoint, _ = office.endpoint(NotificationKind.DELETED), office.endpoint()
    tests = [office.deliveries.test(endpoint.endpoint_id) for _ in range(2)]
    assert len({test.notification_id for test in tests if test}) == 2
    assert office.dispatch() == 0
    assert {row.kind for row in office.all()} == {NotificationKind.TEST}
    assert office.taken(endpoint).notification.kind is NotificationKind.TEST
    assert office.deliveries.test(uuid4()) is None


def test_the_delivery_log_is_paged_and_filtered(office: Office) -> None:
    first, second = office.endpoint(), office.endpoint()
    videos = [office.notify() for _ in range(3)]
    office.dispatch()
    office.record_result(office.taken(first), DONE)
    seen: list[DeliveryRow] = []
    after = None
    while True:
        page = office.deliveries.page(DeliverySelection(), after=after, at_most=4)
        seen += page.rows
        after = page.last
        if after is None:
            break
    assert seen == list(office.all())
    assert len({row.delivery_id for row in seen}) == 6
    assert len(office.all(DeliverySelection(video_id=videos[1]))) == 2
    assert len(office.all(DeliverySelection(endpoint_id=second.endpoint_id))) == 3
    assert len(office.all(DeliverySelection(state=DeliveryState.DELIVERED))) == 1
    assert len(office.all(DeliverySelection(state=DeliveryState.PENDING, endpoint_id=first.endpoint_id))) == 2
