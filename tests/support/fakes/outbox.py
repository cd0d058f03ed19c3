"""Notifications, endpoints and deliveries in memory, as the operator and the API see them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from database.deliveries import DeliveryPage, DeliveryRow, DeliverySelection, Replayed, delivery_page
from database.queries import Cursor
from database.webhook_endpoints import (
    ENDPOINTS_MAX,
    SECRETS_MAX,
    EndpointChange,
    EndpointRow,
    LastSecretError,
    SecretRow,
    TooManyError,
)
from domain.notifications import (
    MAIL,
    DeliveryResult,
    DeliveryState,
    Endpoint,
    LeasedDelivery,
    Notification,
    NotificationKind,
)
from tests.support.fakes.client_rows import Switch


class FakeOutbox:
    """Stands in for `Outbox`, `Endpoints` and `Deliveries`, over one set of tables.

    No two of its rows have the same time, so that they have one order.
    """

    def __init__(self, clock: Callable[[], datetime], postgres: Switch | None = None) -> None:
        self.postgres = postgres or Switch()
        self.notifications: dict[UUID, Notification] = {}
        self.waiting: list[UUID] = []
        self.endpoints: dict[UUID, EndpointRow] = {}
        self.secrets: dict[UUID, str] = {}
        self.deliveries: dict[UUID, DeliveryRow] = {}
        self._due: dict[UUID, datetime] = {}
        self._clock = clock
        self._count = 0

    def tell(self, told: Notification) -> None:
        """Play whoever writes notifications."""
        self.notifications[told.notification_id] = told
        self.waiting.append(told.notification_id)

    def dispatch(self, *, with_mail: bool, now: datetime, at_most: int) -> int:
        self.postgres.check()
        found, self.waiting = self.waiting[:at_most], self.waiting[at_most:]
        for told in (self.notifications[one] for one in found):
            for endpoint in self.endpoints.values():
                if endpoint.disabled_at is None and told.kind in endpoint.kinds:
                    self._address(told, endpoint.endpoint_id, now)
            if with_mail and told.email is not None:
                self._address(told, None, now)
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
            known = self.endpoints[row.endpoint_id]
            secrets = tuple(self.secrets[secret.secret_id] for secret in known.secrets)
            endpoint = Endpoint(known.endpoint_id, known.url, secrets)
        return LeasedDelivery(row.delivery_id, row.attempts + 1, self.notifications[row.notification_id], endpoint)

    def record_result(self, taken: LeasedDelivery, outcome: DeliveryResult, *, now: datetime) -> bool:
        self.postgres.check()
        row = self.deliveries.get(taken.delivery_id)
        if row is None or row.state is not DeliveryState.PENDING or row.attempts != taken.attempt:
            return False
        settled_at = None if outcome.state is DeliveryState.PENDING else now
        self._put(
            replace(
                row,
                state=outcome.state,
                settled_at=settled_at,
                last_status=outcome.status,
                last_answer=outcome.answer,
            ),
            outcome.next_at or self._due[row.delivery_id],
        )
        endpoint = self.endpoints.get(row.endpoint_id) if row.endpoint_id else None
        if endpoint is not None and outcome.held_until is not None:
            endpoint = replace(endpoint, held_until=outcome.held_until)
        if endpoint is not None and outcome.is_gone and endpoint.disabled_at is None:
            endpoint = replace(endpoint, disabled_at=now, disabled_reason="gone")
        if endpoint is not None:
            self.endpoints[endpoint.endpoint_id] = endpoint
        return True

    def all(self) -> list[EndpointRow]:
        self.postgres.check()
        return list(self.endpoints.values())

    def get(self, endpoint_id: UUID) -> EndpointRow | None:
        self.postgres.check()
        return self.endpoints.get(endpoint_id)

    def create(self, *, url: str, description: str, kinds: Sequence[NotificationKind], secret: str) -> EndpointRow:
        self.postgres.check()
        if len(self.endpoints) >= ENDPOINTS_MAX:
            raise TooManyError
        made = EndpointRow(uuid4(), self._now(), url, description, tuple(kinds), None, None, None, ())
        return self._with_secret(made, secret)

    def change(self, endpoint_id: UUID, change: EndpointChange) -> EndpointRow | None:
        self.postgres.check()
        row = self.endpoints.get(endpoint_id)
        if row is None:
            return None
        known: dict[str, Any] = {"url": change.url, "description": change.description}
        known["kinds"] = None if change.kinds is None else tuple(change.kinds)
        row = replace(row, **{name: value for name, value in known.items() if value is not None})
        if change.is_enabled is True:
            row = replace(row, disabled_at=None, disabled_reason=None, held_until=None)
        elif change.is_enabled is False and row.disabled_at is None:
            row = replace(row, disabled_at=self._now(), disabled_reason="person")
        self.endpoints[endpoint_id] = row
        return row

    def delete(self, endpoint_id: UUID) -> bool:
        self.postgres.check()
        self.deliveries = {key: row for key, row in self.deliveries.items() if row.endpoint_id != endpoint_id}
        return self.endpoints.pop(endpoint_id, None) is not None

    def add_secret(self, endpoint_id: UUID, secret: str) -> EndpointRow | None:
        self.postgres.check()
        row = self.endpoints.get(endpoint_id)
        if row is None:
            return None
        if len(row.secrets) >= SECRETS_MAX:
            raise TooManyError
        return self._with_secret(row, secret)

    def remove_secret(self, endpoint_id: UUID, secret_id: UUID) -> EndpointRow | None:
        self.postgres.check()
        row = self.endpoints.get(endpoint_id)
        if row is None or secret_id not in {secret.secret_id for secret in row.secrets}:
            return None
        if len(row.secrets) == 1:
            raise LastSecretError
        kept = tuple(secret for secret in row.secrets if secret.secret_id != secret_id)
        self.endpoints[endpoint_id] = replace(row, secrets=kept)
        return self.endpoints[endpoint_id]

    def page(self, selection: DeliverySelection, *, after: Cursor | None, at_most: int) -> DeliveryPage:
        self.postgres.check()
        found = [
            self._shown(row)
            for row in self.deliveries.values()
            if selection.video_id in (None, row.video_id)
            and selection.endpoint_id in (None, row.endpoint_id)
            and selection.state in (None, row.state)
            and (after is None or (row.created_at, str(row.delivery_id)) < (after.at, after.video_id))
        ]
        found.sort(key=lambda row: (row.created_at, str(row.delivery_id)), reverse=True)
        return delivery_page(found[: at_most + 1], at_most=at_most)

    def replay(self, delivery_id: UUID) -> DeliveryRow | None:
        self.postgres.check()
        row = self.deliveries.get(delivery_id)
        if row is None:
            return None
        if row.state is not DeliveryState.PENDING:
            fresh = replace(row, state=DeliveryState.PENDING, attempts=0, settled_at=None)
            self._put(fresh, self._clock())
        return self._shown(self.deliveries[delivery_id])

    def replay_range(self, endpoint_id: UUID, *, since: datetime, until: datetime, at_most: int) -> Replayed | None:
        self.postgres.check()
        endpoint = self.endpoints.get(endpoint_id)
        if endpoint is None:
            return None
        told = [one for one in self.notifications.values() if since <= one.created_at < until]
        told = sorted((one for one in told if one.kind in endpoint.kinds), key=lambda one: one.created_at)[:at_most]
        count = 0
        for one in told:
            known = [
                row
                for row in self.deliveries.values()
                if (row.notification_id, row.endpoint_id) == (one.notification_id, endpoint_id)
            ]
            count += not known or known[0].state is not DeliveryState.PENDING
            if known:
                self.replay(known[0].delivery_id)
            else:
                self._address(one, endpoint_id, self._clock())
        return Replayed(count, told[-1].created_at if len(told) == at_most else None)

    def test(self, endpoint_id: UUID) -> DeliveryRow | None:
        self.postgres.check()
        if endpoint_id not in self.endpoints:
            return None
        tests = [one for one in self.notifications.values() if one.video_id == str(endpoint_id)]
        told = Notification(uuid4(), NotificationKind.TEST, str(endpoint_id), len(tests) + 1, "", self._now(), 0)
        self.notifications[told.notification_id] = told
        return self._shown(self._address(told, endpoint_id, self._clock()))

    def _with_secret(self, row: EndpointRow, secret: str) -> EndpointRow:
        made = SecretRow(uuid4(), self._now())
        self.secrets[made.secret_id] = secret
        self.endpoints[row.endpoint_id] = replace(row, secrets=(*row.secrets, made))
        return self.endpoints[row.endpoint_id]

    def _address(self, told: Notification, endpoint_id: UUID | None, now: datetime) -> DeliveryRow:
        made = DeliveryRow(
            uuid4(),
            told.notification_id,
            told.kind,
            told.video_id,
            told.edition,
            told.sequence,
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
