"""What database/ and `FakeOutbox` have in common in how notifications leave: endpoints, deliveries, replays."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

import pytest

from controller.notify.dispatcher import OutboxDispatch
from database.deliveries import DeliveryRow, DeliverySelection
from database.webhook_endpoints import (
    ENDPOINTS_MAX,
    SECRETS_MAX,
    EndpointChange,
    EndpointRow,
    LastSecretError,
    TooManyError,
)
from domain.notifications import (
    MAIL,
    VIDEO_NOTIFICATION_KINDS,
    DeliveryResult,
    DeliveryState,
    LeasedDelivery,
    NotificationKind,
)
from webapi.ports import Deliveries, Endpoints

SECRET = "whsec_" + "A" * 32
URL = "https://hooks.example.com/videos"
LATER = timedelta(minutes=1)
DONE = DeliveryResult(DeliveryState.DELIVERED, 204, "")


class Tell(Protocol):
    """Puts a notification on record, and returns its video."""

    def __call__(self, kind: NotificationKind = NotificationKind.READY, *, email: str | None = None) -> str: ...


@dataclass(frozen=True)
class Office:
    """An outbox under test. ``now`` is a time at which everything that was made is due."""

    outbox: OutboxDispatch
    endpoints: Endpoints
    deliveries: Deliveries
    tell: Tell
    now: Callable[[], datetime]

    def endpoint(self, *kinds: NotificationKind) -> EndpointRow:
        """Register an endpoint."""
        return self.endpoints.create(
            url=URL, description="ours", kinds=kinds or VIDEO_NOTIFICATION_KINDS, secret=SECRET
        )

    def dispatch(self, *, with_mail: bool = True) -> int:
        """Address what is new."""
        return self.outbox.dispatch(with_mail=with_mail, now=self.now(), at_most=100)

    def take(self, endpoint: EndpointRow, *, after: timedelta = timedelta()) -> LeasedDelivery | None:
        """Take from an endpoint's lane, some time from now."""
        now = self.now() + after
        return self.outbox.take(str(endpoint.endpoint_id), now=now, leased_until=now + LATER)

    def taken(self, endpoint: EndpointRow) -> LeasedDelivery:
        """Take what is there."""
        found = self.take(endpoint)
        assert found is not None
        return found

    def record_result(self, taken: LeasedDelivery, outcome: DeliveryResult) -> bool:
        """Put on record what became of it."""
        return self.outbox.record_result(taken, outcome, now=self.now())

    def all(self, selection: DeliverySelection | None = None) -> tuple[DeliveryRow, ...]:
        """Return all deliveries, newest first."""
        return self.deliveries.page(selection or DeliverySelection(), after=None, at_most=100).rows


class OutboxContract:
    """What both do."""

    def test_each_notification_is_addressed_once_to_whoever_wants_its_kind(self, office: Office) -> None:
        everything, errors = office.endpoint(), office.endpoint(NotificationKind.ERRORED)
        video_id = office.tell(NotificationKind.READY)
        assert (office.dispatch(), office.dispatch()) == (1, 0)
        assert [(row.video_id, row.endpoint_id) for row in office.all()] == [(video_id, everything.endpoint_id)]
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == [str(everything.endpoint_id)]
        assert office.take(errors) is None

    def test_an_owner_is_written_to_only_with_an_address_and_where_mail_leaves(self, office: Office) -> None:
        office.tell(email="ann@example.com")
        office.dispatch(with_mail=False)
        assert office.all() == ()
        office.tell()
        told = office.tell(email="bob@example.com")
        office.dispatch()
        (row,) = office.all()
        assert (row.video_id, row.endpoint_id) == (told, None)
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == [MAIL]
        assert office.outbox.due_queues(with_mail=False, now=office.now()) == []

    def test_what_is_taken_is_nobody_elses_until_its_lease_ends(self, office: Office) -> None:
        endpoint = office.endpoint()
        office.tell()
        office.dispatch()
        first = office.taken(endpoint)
        assert office.take(endpoint) is None
        second = office.take(endpoint, after=2 * LATER)
        assert second is not None
        assert (first.attempt, second.attempt) == (1, 2)
        assert second.notification == first.notification
        assert not office.record_result(first, DONE), "whoever took it later settles it"
        assert office.record_result(second, DONE)
        assert not office.record_result(second, DONE)
        (row,) = office.all()
        assert (row.state, row.attempts, row.last_status, row.next_at) == (DeliveryState.DELIVERED, 2, 204, None)

    def test_what_failed_is_due_again_when_it_is_told_to_be(self, office: Office) -> None:
        endpoint = office.endpoint()
        office.tell()
        office.dispatch()
        taken = office.taken(endpoint)
        assert taken.endpoint is not None
        assert (taken.endpoint.url, taken.endpoint.secrets) == (URL, (SECRET,))
        office.record_result(taken, DeliveryResult(DeliveryState.PENDING, 500, "no", next_at=office.now() + LATER))
        assert office.take(endpoint) is None
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == []
        assert office.take(endpoint, after=2 * LATER) is not None

    def test_an_endpoint_that_is_gone_gets_nothing_until_somebody_opens_it(self, office: Office) -> None:
        endpoint = office.endpoint()
        for _ in range(2):
            office.tell()
        office.dispatch()
        office.record_result(office.taken(endpoint), DeliveryResult(DeliveryState.FAILED, 410, "", is_gone=True))
        known = office.endpoints.get(endpoint.endpoint_id)
        assert known is not None
        assert (known.disabled_at is None, known.disabled_reason) == (False, "gone")
        assert office.take(endpoint) is None
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == []
        office.tell()
        office.dispatch()
        assert len(office.all()) == 2
        opened = office.endpoints.change(endpoint.endpoint_id, EndpointChange(is_enabled=True))
        assert opened is not None
        assert (opened.disabled_at, opened.disabled_reason) == (None, None)
        assert office.take(endpoint) is not None

    def test_an_endpoint_that_has_too_much_is_left_alone_as_a_whole(self, office: Office) -> None:
        endpoint, other = office.endpoint(), office.endpoint()
        for _ in range(2):
            office.tell()
        office.dispatch()
        held = DeliveryResult(DeliveryState.PENDING, 429, "", next_at=office.now(), held_until=office.now() + LATER)
        office.record_result(office.taken(endpoint), held)
        assert office.take(endpoint) is None
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == [str(other.endpoint_id)]
        assert office.take(endpoint, after=2 * LATER) is not None

    def test_an_endpoint_is_changed_in_what_is_named_and_forgotten_with_its_deliveries(self, office: Office) -> None:
        endpoint = office.endpoint()
        office.tell()
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

    def test_secrets_are_added_and_removed_but_never_the_last_one(self, office: Office) -> None:
        endpoint = office.endpoint()
        for number in range(1, SECRETS_MAX):
            assert office.endpoints.add_secret(endpoint.endpoint_id, f"{SECRET[:-1]}{number}") is not None
        with pytest.raises(TooManyError):
            office.endpoints.add_secret(endpoint.endpoint_id, SECRET)
        office.tell()
        office.dispatch()
        taken = office.taken(endpoint)
        assert taken.endpoint is not None
        assert taken.endpoint.secrets == (SECRET, f"{SECRET[:-1]}1", f"{SECRET[:-1]}2")
        known = office.endpoints.get(endpoint.endpoint_id)
        assert known is not None
        first, second, third = known.secrets
        for secret in (first, second):
            assert office.endpoints.remove_secret(endpoint.endpoint_id, secret.secret_id) is not None
        assert office.endpoints.remove_secret(endpoint.endpoint_id, first.secret_id) is None
        with pytest.raises(LastSecretError):
            office.endpoints.remove_secret(endpoint.endpoint_id, third.secret_id)

    def test_there_are_so_many_endpoints_and_no_more(self, office: Office) -> None:
        for _ in range(ENDPOINTS_MAX):
            office.endpoint()
        with pytest.raises(TooManyError):
            office.endpoint()
        assert len(office.endpoints.all()) == ENDPOINTS_MAX

    def test_a_delivery_is_made_again_under_the_same_id(self, office: Office) -> None:
        endpoint = office.endpoint()
        office.tell()
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

    def test_some_time_is_told_again_also_to_an_endpoint_that_was_not_there(self, office: Office) -> None:
        early = office.endpoint()
        for kind in (NotificationKind.READY, NotificationKind.ERRORED, NotificationKind.READY):
            office.tell(kind)
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

    def test_a_long_time_is_told_again_in_several_calls(self, office: Office) -> None:
        for _ in range(5):
            office.tell()
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

    def test_tests_go_to_one_endpoint_each_under_an_id_of_its_own(self, office: Office) -> None:
        endpoint, _ = office.endpoint(NotificationKind.DELETED), office.endpoint()
        tests = [office.deliveries.test(endpoint.endpoint_id) for _ in range(2)]
        assert len({test.notification_id for test in tests if test}) == 2
        assert office.dispatch() == 0
        assert {row.kind for row in office.all()} == {NotificationKind.TEST}
        assert office.taken(endpoint).notification.kind is NotificationKind.TEST
        assert office.deliveries.test(uuid4()) is None

    def test_the_log_comes_in_pages_and_by_what_is_asked_for(self, office: Office) -> None:
        first, second = office.endpoint(), office.endpoint()
        videos = [office.tell() for _ in range(3)]
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
