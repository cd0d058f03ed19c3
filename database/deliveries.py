"""The delivery log for administrators, who may replay one delivery or all of a time range.

A replayed delivery keeps its notification, and with it the id by which receivers recognise the repetition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.rows import DictRow

from database.pool import Database
from database.queries import Cursor
from domain.notifications import DeliveryState, NotificationKind

# Of one call: one statement makes them, and a receiver takes some seconds for them.
REPLAYED_MAX = 1000
# Nothing older is kept (database/retention.py).
REPLAY_RANGE_MAX = timedelta(days=31)

_COLUMNS = """
SELECT delivery_id, notification_id, notifications.kind, deliveries.video_id, notifications.edition,
       notifications.sequence, endpoint_id, state, attempts, next_at, deliveries.created_at, settled_at, last_status,
       last_answer
FROM deliveries JOIN notifications USING (notification_id)
"""
_PAGE = f"""{_COLUMNS}
WHERE (deliveries.created_at, delivery_id) < (%(at)s, %(before_id)s)
  AND (%(video_id)s::text IS NULL OR deliveries.video_id = %(video_id)s)
  AND (%(endpoint_id)s::uuid IS NULL OR endpoint_id = %(endpoint_id)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY deliveries.created_at DESC, delivery_id DESC LIMIT %(at_most)s
"""
_GET = f"{_COLUMNS} WHERE delivery_id = %(delivery_id)s"

_FROM_THE_START = "state = 'pending', attempts = 0, next_at = clock_timestamp(), settled_at = NULL"
# A pending delivery stays as it is.
_REPLAY = f"UPDATE deliveries SET {_FROM_THE_START} WHERE delivery_id = %(delivery_id)s AND state <> 'pending'"  # noqa: S608
_REPLAY_RANGE = f"""
WITH matching AS (
    SELECT notification_id, video_id, notifications.created_at
    FROM notifications JOIN webhook_endpoints ON endpoint_id = %(endpoint_id)s AND kind = ANY(kinds)
    WHERE notifications.created_at >= %(since)s AND notifications.created_at < %(until)s
    ORDER BY notifications.created_at LIMIT %(at_most)s
), again AS (
    INSERT INTO deliveries (notification_id, endpoint_id, video_id, next_at)
    SELECT notification_id, %(endpoint_id)s, video_id, clock_timestamp() FROM matching
    ON CONFLICT (notification_id, lane) DO UPDATE SET {_FROM_THE_START} WHERE deliveries.state <> 'pending'
    RETURNING 1
)
SELECT (SELECT count(*) FROM again) AS replayed, count(*) AS matched, max(created_at) AS last FROM matching
"""  # noqa: S608 - constants
_EXISTS = "SELECT FROM webhook_endpoints WHERE endpoint_id = %(endpoint_id)s"

# A test belongs to no video: its video_id is the endpoint's id, its edition a number that counts up.
_TEST = """
WITH made AS (
    INSERT INTO notifications (video_id, edition, kind, owner, is_dispatched)
    SELECT endpoint_id::text, 1 + coalesce((SELECT max(edition) FROM notifications
                                            WHERE video_id = endpoint_id::text AND kind = 'webhook.test'), 0),
           'webhook.test', '', true
    FROM webhook_endpoints WHERE endpoint_id = %(endpoint_id)s
    ON CONFLICT DO NOTHING RETURNING notification_id, video_id
)
INSERT INTO deliveries (notification_id, endpoint_id, video_id, next_at)
SELECT notification_id, %(endpoint_id)s, video_id, clock_timestamp() FROM made RETURNING delivery_id
"""
# Without this lock two concurrent tests would get the same number, and one of them would create no delivery.
_LOCK_TESTS = "SELECT FROM webhook_endpoints WHERE endpoint_id = %(endpoint_id)s FOR UPDATE"


@dataclass(frozen=True)
class DeliveryRow:
    """One delivery. ``endpoint_id``: None when it goes by mail; ``next_at``: when it is due, None if it is settled."""

    delivery_id: UUID
    notification_id: UUID
    kind: NotificationKind
    video_id: str
    edition: int
    sequence: int
    endpoint_id: UUID | None
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    created_at: datetime
    settled_at: datetime | None
    last_status: int | None
    last_answer: str | None


@dataclass(frozen=True)
class DeliverySelection:
    """A filter of deliveries; None means all."""

    video_id: str | None = None
    endpoint_id: UUID | None = None
    state: DeliveryState | None = None


@dataclass(frozen=True)
class DeliveryPage:
    """Some deliveries, newest first. ``last``: the position of the last one; None when no more follow."""

    rows: tuple[DeliveryRow, ...]
    last: Cursor | None


@dataclass(frozen=True)
class Replayed:
    """The result of replaying a time range. ``next_since``: where the next call has to begin, if there is more."""

    count: int
    next_since: datetime | None


class Deliveries:
    """The deliveries of all notifications. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, selection: DeliverySelection, *, after: Cursor | None, at_most: int) -> DeliveryPage:
        """Return a page, newest first."""
        at, before_id = (after.at, UUID(after.video_id)) if after else ("infinity", UUID(int=0))
        parameters = {**vars(selection), "at": at, "before_id": before_id, "at_most": at_most + 1}
        with self._database.connection() as connection:
            rows = [delivery_row(columns) for columns in connection.execute(_PAGE, parameters).fetchall()]
        return delivery_page(rows, at_most=at_most)

    def replay(self, delivery_id: UUID) -> DeliveryRow | None:
        """Restart a delivery; a pending one stays as it is. Returns None if there is no such delivery."""
        named = {"delivery_id": delivery_id}
        with self._database.transaction() as connection:
            connection.execute(_REPLAY, named)
            row = connection.execute(_GET, named).fetchone()
        return None if row is None else delivery_row(row)

    def replay_range(self, endpoint_id: UUID, *, since: datetime, until: datetime, at_most: int) -> Replayed | None:
        """Replay a time range to an endpoint, including notifications it never got; None if there is no endpoint."""
        parameters = {"endpoint_id": endpoint_id, "since": since, "until": until, "at_most": at_most}
        with self._database.transaction() as connection:
            if connection.execute(_EXISTS, parameters).fetchone() is None:
                return None
            (done,) = connection.execute(_REPLAY_RANGE, parameters).fetchall()
        return Replayed(done["replayed"], done["last"] if done["matched"] == at_most else None)

    def test(self, endpoint_id: UUID) -> DeliveryRow | None:
        """Create a test delivery for an endpoint; None if there is no such endpoint."""
        named = {"endpoint_id": endpoint_id}
        with self._database.transaction() as connection:
            connection.execute(_LOCK_TESTS, named)
            made = connection.execute(_TEST, named).fetchone()
            row = connection.execute(_GET, made).fetchone() if made else None
        return None if row is None else delivery_row(row)


def delivery_page(read: Sequence[DeliveryRow], *, at_most: int) -> DeliveryPage:
    """Return the page of the rows that were read; one row more than ``at_most`` shows that another page follows."""
    rows = tuple(read[:at_most])
    has_more = len(read) > at_most
    return DeliveryPage(rows, Cursor(rows[-1].created_at, str(rows[-1].delivery_id)) if has_more else None)


def delivery_row(columns: DictRow) -> DeliveryRow:
    """Make a DeliveryRow from its columns."""
    state = DeliveryState(columns["state"])
    values = {name: columns[name] for name in DeliveryRow.__dataclass_fields__}
    next_at = columns["next_at"] if state is DeliveryState.PENDING else None
    return DeliveryRow(**{**values, "kind": NotificationKind(columns["kind"]), "state": state, "next_at": next_at})
