"""What `Outbox` and `FakeOutbox` have in common: notifications are addressed, leased, sent again and settled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from database.deliveries import DeliveryPage, DeliveryRow, DeliverySelection
from database.outbox import Outbox
from database.queries import Cursor
from database.webhook_endpoints import EndpointRow
from domain.notifications import (
    MAIL,
    VIDEO_NOTIFICATION_KINDS,
    DeliveryResult,
    DeliveryState,
    LeasedDelivery,
    NotificationKind,
)

SECRET = "whsec_" + "A" * 32
URL = "https://hooks.example.com/videos"
LATER = timedelta(minutes=1)
DONE = DeliveryResult(DeliveryState.DELIVERED, 204, "")


class Notify(Protocol):
    """Makes a notification, and returns its video."""

    def __call__(self, kind: NotificationKind = NotificationKind.READY, *, email: str | None = None) -> str: ...


class EndpointRegistry(Protocol):
    """Registers endpoints."""

    def create(self, *, url: str, description: str, kinds: Sequence[NotificationKind], secret: str) -> EndpointRow: ...


class DeliveryPages(Protocol):
    """Lists deliveries."""

    def page(self, selection: DeliverySelection, *, after: Cursor | None, at_most: int) -> DeliveryPage: ...


E = TypeVar("E", bound=EndpointRegistry)
D = TypeVar("D", bound=DeliveryPages)


@dataclass(frozen=True)
class Office(Generic[E, D]):
    """An outbox under test. ``now`` is a time at which everything that was made is due."""

    outbox: Outbox
    endpoints: E
    deliveries: D
    notify: Notify
    now: Callable[[], datetime]

    def endpoint(self, *kinds: NotificationKind) -> EndpointRow:
        """Register an endpoint."""
        return self.endpoints.create(
            url=URL, description="ours", kinds=kinds or VIDEO_NOTIFICATION_KINDS, secret=SECRET
        )

    def dispatch(self, *, with_mail: bool = True) -> int:
        """Address new notifications."""
        return self.outbox.dispatch(with_mail=with_mail, now=self.now(), at_most=100)

    def take(self, endpoint: EndpointRow, *, after: timedelta = timedelta()) -> LeasedDelivery | None:
        """Lease the next delivery of an endpoint, some time from now."""
        now = self.now() + after
        return self.outbox.take(str(endpoint.endpoint_id), now=now, leased_until=now + LATER)

    def taken(self, endpoint: EndpointRow) -> LeasedDelivery:
        """Lease the next delivery of an endpoint, which must exist."""
        leased = self.take(endpoint)
        assert leased is not None
        return leased

    def record_result(self, leased: LeasedDelivery, result: DeliveryResult) -> bool:
        """Record the result of a delivery."""
        return self.outbox.record_result(leased, result, now=self.now())

    def all(self, selection: DeliverySelection | None = None) -> tuple[DeliveryRow, ...]:
        """Return all deliveries, newest first."""
        return self.deliveries.page(selection or DeliverySelection(), after=None, at_most=100).rows


AnyOffice = Office[Any, Any]


class OutboxContract:
    """Subclasses give the fixture ``office``."""

    def test_each_notification_is_addressed_once_to_every_endpoint_of_its_kind(self, office: AnyOffice) -> None:
        everything, errors = office.endpoint(), office.endpoint(NotificationKind.ERRORED)
        video_id = office.notify(NotificationKind.READY)
        assert (office.dispatch(), office.dispatch()) == (1, 0)
        assert [(row.video_id, row.endpoint_id) for row in office.all()] == [(video_id, everything.endpoint_id)]
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == [str(everything.endpoint_id)]
        assert office.take(errors) is None

    def test_an_owner_gets_email_only_with_an_address_and_a_mail_server(self, office: AnyOffice) -> None:
        office.notify(email="ann@example.com")
        office.dispatch(with_mail=False)
        assert office.all() == ()
        office.notify()
        video_id = office.notify(email="bob@example.com")
        office.dispatch()
        (row,) = office.all()
        assert (row.video_id, row.endpoint_id) == (video_id, None)
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == [MAIL]
        assert office.outbox.due_queues(with_mail=False, now=office.now()) == []

    def test_a_leased_delivery_is_not_taken_again_until_its_lease_ends(self, office: AnyOffice) -> None:
        endpoint = office.endpoint()
        office.notify()
        office.dispatch()
        first = office.taken(endpoint)
        assert office.take(endpoint) is None
        second = office.take(endpoint, after=2 * LATER)
        assert second is not None
        assert (first.attempt, second.attempt) == (1, 2)
        assert second.notification == first.notification
        assert not office.record_result(first, DONE), "the later lease settles it"
        assert office.record_result(second, DONE)
        assert not office.record_result(second, DONE)
        (row,) = office.all()
        assert (row.state, row.attempts, row.last_status, row.next_at) == (DeliveryState.DELIVERED, 2, 204, None)

    def test_a_failed_delivery_is_due_again_at_its_time(self, office: AnyOffice) -> None:
        endpoint = office.endpoint()
        office.notify()
        office.dispatch()
        taken = office.taken(endpoint)
        assert taken.endpoint is not None
        assert (taken.endpoint.url, taken.endpoint.secrets) == (URL, (SECRET,))
        office.record_result(taken, DeliveryResult(DeliveryState.PENDING, 500, "no", next_at=office.now() + LATER))
        assert office.take(endpoint) is None
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == []
        assert office.take(endpoint, after=2 * LATER) is not None

    def test_an_endpoint_at_its_limit_is_paused_for_all_deliveries(self, office: AnyOffice) -> None:
        endpoint, other = office.endpoint(), office.endpoint()
        for _ in range(2):
            office.notify()
        office.dispatch()
        held = DeliveryResult(DeliveryState.PENDING, 429, "", next_at=office.now(), held_until=office.now() + LATER)
        office.record_result(office.taken(endpoint), held)
        assert office.take(endpoint) is None
        assert office.outbox.due_queues(with_mail=True, now=office.now()) == [str(other.endpoint_id)]
        assert office.take(endpoint, after=2 * LATER) is not None
