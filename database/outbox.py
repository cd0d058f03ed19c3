"""Dispatching notifications, leasing due deliveries and recording their results, for the operator.

Nothing here sends. A lease moves the delivery's due time ahead: if the process dies, the delivery is due again then,
so each one is made at least once. Endpoints and the log of deliveries, as administrators see them, are in
database/webhook_endpoints.py and database/deliveries.py.
"""

from collections.abc import Sequence
from datetime import datetime

from database.notifications import NOTIFICATION, notification
from database.pool import Database
from database.regions import about_a_video_in_scope, scope_parameters
from domain.notifications import MAIL, DeliveryResult, Endpoint, LeasedDelivery, WebhookFormat
from domain.regions import EVERYWHERE, RegionScope

# A concurrent dispatcher skips locked rows; the unique key would stop a second delivery anyway.
_DISPATCH = f"""
WITH waiting AS (
    SELECT notification_id, kind, video_id, email FROM notifications
    WHERE NOT is_dispatched AND {about_a_video_in_scope("notifications.video_id")}
    ORDER BY created_at LIMIT %(at_most)s FOR UPDATE SKIP LOCKED
), addressed AS (
    INSERT INTO deliveries (notification_id, endpoint_id, video_id, next_at)
    SELECT notification_id, endpoint_id, video_id, %(now)s FROM waiting JOIN webhook_endpoints
        ON disabled_at IS NULL AND kind = ANY(kinds)
    UNION ALL
    SELECT notification_id, NULL::uuid, video_id, %(now)s FROM waiting WHERE %(with_mail)s AND email IS NOT NULL
    ON CONFLICT DO NOTHING
)
UPDATE notifications SET is_dispatched = true FROM waiting
WHERE notifications.notification_id = waiting.notification_id
"""  # noqa: S608 - a constant

_IS_OPEN = "disabled_at IS NULL AND (held_until IS NULL OR held_until <= %(now)s)"
# The URLs in a message are those of the region of its video.
_IS_DUE = f"state = 'pending' AND next_at <= %(now)s AND {about_a_video_in_scope('deliveries.video_id')}"
_DUE_LANES = f"""
SELECT endpoint_id::text AS lane FROM webhook_endpoints
WHERE {_IS_OPEN} AND EXISTS (SELECT FROM deliveries WHERE lane = webhook_endpoints.endpoint_id::text AND {_IS_DUE})
UNION ALL
SELECT '{MAIL}' WHERE %(with_mail)s AND EXISTS (SELECT FROM deliveries WHERE lane = '{MAIL}' AND {_IS_DUE})
"""  # noqa: S608 - a constant

_TAKE = f"""
WITH taken AS (
    UPDATE deliveries SET attempts = attempts + 1, next_at = %(leased_until)s
    WHERE delivery_id = (
        SELECT delivery_id FROM deliveries
        WHERE lane = %(lane)s AND {_IS_DUE} AND (endpoint_id IS NULL OR EXISTS (
            SELECT FROM webhook_endpoints WHERE endpoint_id = deliveries.endpoint_id AND {_IS_OPEN}))
        ORDER BY next_at, created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING delivery_id, notification_id, endpoint_id, attempts
)
SELECT {NOTIFICATION}, delivery_id, endpoint_id, attempts, url, format,
       ARRAY(SELECT secret FROM webhook_secrets WHERE webhook_secrets.endpoint_id = taken.endpoint_id
             ORDER BY webhook_secrets.created_at, secret_id) AS secrets
FROM taken JOIN notifications USING (notification_id) LEFT JOIN webhook_endpoints USING (endpoint_id)
"""  # noqa: S608

# Only for this attempt: a delivery that was leased again in the meantime belongs to the new lease.
_SETTLE = """
UPDATE deliveries SET
    state = %(state)s, next_at = coalesce(%(next_at)s, next_at), last_status = %(status)s, last_answer = %(answer)s,
    settled_at = CASE WHEN %(state)s <> 'pending' THEN %(now)s::timestamptz END
WHERE delivery_id = %(delivery_id)s AND attempts = %(attempt)s AND state = 'pending'
RETURNING endpoint_id
"""
_HOLD = "UPDATE webhook_endpoints SET held_until = %(held_until)s WHERE endpoint_id = %(endpoint_id)s"
_DISABLE = """
UPDATE webhook_endpoints SET disabled_at = %(now)s, disabled_reason = 'gone'
WHERE endpoint_id = %(endpoint_id)s AND disabled_at IS NULL
"""


class Outbox:
    """The deliveries of all notifications. Every method raises UnavailableError."""

    def __init__(self, database: Database, scope: RegionScope = EVERYWHERE) -> None:
        self._database = database
        self._scope = scope_parameters(scope)

    def dispatch(self, *, with_mail: bool, now: datetime, at_most: int) -> int:
        """Create the deliveries of the oldest undispatched notifications; returns how many notifications."""
        with self._database.connection() as connection:
            parameters = {"with_mail": with_mail, "now": now, "at_most": at_most, **self._scope}
            addressed = connection.execute(_DISPATCH, parameters)
            return addressed.rowcount

    def due_queues(self, *, with_mail: bool, now: datetime) -> Sequence[str]:
        """Return the endpoints, and MAIL, that have a delivery due now."""
        with self._database.connection() as connection:
            rows = connection.execute(_DUE_LANES, {"with_mail": with_mail, "now": now, **self._scope}).fetchall()
        return [row["lane"] for row in rows]

    def take(self, queue_name: str, *, now: datetime, leased_until: datetime) -> LeasedDelivery | None:
        """Lease the delivery of a queue that has been due the longest; no other call takes it until the lease ends."""
        with self._database.connection() as connection:
            parameters = {"lane": queue_name, "now": now, "leased_until": leased_until, **self._scope}
            row = connection.execute(_TAKE, parameters).fetchone()
        if row is None:
            return None
        endpoint = (
            Endpoint(row["endpoint_id"], row["url"], tuple(row["secrets"]), WebhookFormat(row["format"]))
            if row["url"]
            else None
        )
        return LeasedDelivery(row["delivery_id"], row["attempts"], notification(row), endpoint)

    def record_result(self, delivery: LeasedDelivery, result: DeliveryResult, *, now: datetime) -> bool:
        """Store the result of a delivery; False if it has been leased again since."""
        parameters = {**vars(result), "delivery_id": delivery.delivery_id, "attempt": delivery.attempt, "now": now}
        with self._database.transaction() as connection:
            settled = connection.execute(_SETTLE, parameters).fetchone()
            if settled is None:
                return False
            about = {"endpoint_id": settled["endpoint_id"], "now": now, "held_until": result.held_until}
            if result.held_until is not None:
                connection.execute(_HOLD, about)
            if result.is_gone:
                connection.execute(_DISABLE, about)
        return True
