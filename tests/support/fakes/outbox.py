"""The operator's outbox in memory.

It stays for the lives of deliveries in `tests/unit/controller/notify`, which are killed at every effect: there one pass
takes microseconds here and several commits on Postgres.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from database.deliveries import DeliveryPage, DeliveryRow, DeliverySelection, delivery_page
from database.outbox import Outbox
from database.queries import Cursor
from database.webhook_endpoints import EndpointRow
from domain.errors import UnavailableError
from domain.notifications import (
    MAIL,
    DeliveryResult,
    DeliveryState,
    Endpoint,
    LeasedDelivery,
    Notification,
    NotificationKind,
)


class Switch:
    """Makes a fake upstream unreachable."""

    def __init__(self) -> None:
        self.is_away = False

    def check(self) -> None:
        """Raise what the real one raises when Postgres is away."""
        if self.is_away:
            raise UnavailableError("asking Postgres: OperationalError at db.internal:5432")


class FakeOutbox(Outbox):
    """An `Outbox` without Postgres, with endpoints to register and deliveries to list.

    No two of its rows have the same time, so that they have one order.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.postgres = Switch()
        self.notifications: dict[UUID, Notification] = {}
        self.waiting: list[UUID] = []
        self.endpoints: dict[UUID, EndpointRow] = {}
        self.secrets: dict[UUID, str] = {}
        self.deliveries: dict[UUID, DeliveryRow] = {}
        self._due: dict[UUID, datetime] = {}
        self._clock = clock
        self._count = 0

    def tell(self, notification: Notification) -> None:
        """Play the writer of notifications."""
        self.notifications[notification.notification_id] = notification
        self.waiting.append(notification.notification_id)

    def dispatch(self, *, with_mail: bool, now: datetime, at_most: int) -> int:
        self.postgres.check()
        found, self.waiting = self.waiting[:at_most], self.waiting[at_most:]
        for notification in (self.notifications[one] for one in found):
            for endpoint in self.endpoints.values():
                if endpoint.disabled_at is None and notification.kind in endpoint.kinds:
                    self._address(notification, endpoint.endpoint_id, now)
            if with_mail and notification.email is not None:
                self._address(notification, None, now)
        return len(found)

    def due_queues(self, *, with_mail: bool, now: datetime) -> Sequence[str]:
        self.postgres.check()
        lanes = dict.fromkeys(_lane(row) for row in self.deliveries.values() if self._is_due(row, now))
        return [queue_name for queue_name in lanes if queue_name != MAIL or with_mail]

    def take(self, queue_name: str, *, now: datetime, leased_until: datetime) -> LeasedDelivery | None:
        self.postgres.check()
        due = [row for row in self.deliveries.values() if _lane(row) == queue_name and self._is_due(row, now)]
        if not due:
            return None
        row = min(due, key=lambda row: (self._due[row.delivery_id], row.created_at))
        self._put(replace(row, attempts=row.attempts + 1), leased_until)
        endpoint = None
        if row.endpoint_id is not None:
            url = self.endpoints[row.endpoint_id].url
            endpoint = Endpoint(row.endpoint_id, url, (self.secrets[row.endpoint_id],))
        return LeasedDelivery(row.delivery_id, row.attempts + 1, self.notifications[row.notification_id], endpoint)

    def record_result(self, delivery: LeasedDelivery, result: DeliveryResult, *, now: datetime) -> bool:
        self.postgres.check()
        row = self.deliveries.get(delivery.delivery_id)
        if row is None or row.state is not DeliveryState.PENDING or row.attempts != delivery.attempt:
            return False
        settled_at = None if result.state is DeliveryState.PENDING else now
        self._put(
            replace(
                row,
                state=result.state,
                settled_at=settled_at,
                last_status=result.status,
                last_answer=result.answer,
            ),
            result.next_at or self._due[row.delivery_id],
        )
        endpoint = self.endpoints.get(row.endpoint_id) if row.endpoint_id else None
        if endpoint is not None and result.held_until is not None:
            endpoint = replace(endpoint, held_until=result.held_until)
        if endpoint is not None and result.is_gone and endpoint.disabled_at is None:
            endpoint = replace(endpoint, disabled_at=now, disabled_reason="gone")
        if endpoint is not None:
            self.endpoints[endpoint.endpoint_id] = endpoint
        return True

    def create(self, *, url: str, description: str, kinds: Sequence[NotificationKind], secret: str) -> EndpointRow:
        row = EndpointRow(uuid4(), self._now(), url, description, tuple(kinds), None, None, None, ())
        self.endpoints[row.endpoint_id] = row
        self.secrets[row.endpoint_id] = secret
        return row

    def page(self, selection: DeliverySelection, *, after: Cursor | None, at_most: int) -> DeliveryPage:
        assert after is None, "only the first page is listed here"
        rows = [self._shown(row) for row in self.deliveries.values() if selection.state in (None, row.state)]
        rows.sort(key=lambda row: row.created_at, reverse=True)
        return delivery_page(rows[: at_most + 1], at_most=at_most)

    def _address(self, notification: Notification, endpoint_id: UUID | None, now: datetime) -> DeliveryRow:
        made = DeliveryRow(
            uuid4(),
            notification.notification_id,
            notification.kind,
            notification.video_id,
            notification.edition,
            notification.sequence,
            endpoint_id,
            DeliveryState.PENDING,
            0,
            None,
            self._now(),
            None,
            None,
            None,
        )
        self._put(made, now)
        return made

    def _put(self, row: DeliveryRow, due: datetime) -> None:
        self.deliveries[row.delivery_id] = row
        self._due[row.delivery_id] = due

    def _shown(self, row: DeliveryRow) -> DeliveryRow:
        return replace(row, next_at=self._due[row.delivery_id] if row.state is DeliveryState.PENDING else None)

    def _is_due(self, row: DeliveryRow, now: datetime) -> bool:
        if row.state is not DeliveryState.PENDING or self._due[row.delivery_id] > now:
            return False
        if row.endpoint_id is None:
            return True
        endpoint = self.endpoints[row.endpoint_id]
        return endpoint.disabled_at is None and (endpoint.held_until is None or endpoint.held_until <= now)

    def _now(self) -> datetime:
        self._count += 1
        return self._clock() + timedelta(microseconds=self._count)


def _lane(row: DeliveryRow) -> str:
    return MAIL if row.endpoint_id is None else str(row.endpoint_id)
