"""The outbox, each attempt at a delivery counted by what became of it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from controller.notify.dispatcher import OutboxDispatch
from domain.notifications import MAIL, DeliveryResult, DeliveryState, LeasedDelivery

WEBHOOK = "webhook"
CHANNELS = (WEBHOOK, MAIL)
# A delivery that stays pending is made again later.
RESULTS = {DeliveryState.DELIVERED: "delivered", DeliveryState.PENDING: "put_off", DeliveryState.FAILED: "given_up"}


class InstrumentedOutbox:
    """An outbox. ``note`` is told the way and the result of each attempt that is on record."""

    def __init__(self, outbox: OutboxDispatch, note: Callable[[str, str], None]) -> None:
        self._outbox = outbox
        self._note = note

    def dispatch(self, *, with_mail: bool, now: datetime, at_most: int) -> int:
        """Address the oldest notifications."""
        return self._outbox.dispatch(with_mail=with_mail, now=now, at_most=at_most)

    def due_queues(self, *, with_mail: bool, now: datetime) -> Sequence[str]:
        """Return the lanes in which something is due."""
        return self._outbox.due_queues(with_mail=with_mail, now=now)

    def take(self, queue_name: str, *, now: datetime, leased_until: datetime) -> LeasedDelivery | None:
        """Take what has been due the longest in a lane."""
        return self._outbox.take(queue_name, now=now, leased_until=leased_until)

    def record_result(self, taken: LeasedDelivery, outcome: DeliveryResult, *, now: datetime) -> bool:
        """Put on record what became of it, and count it unless somebody else was first."""
        is_ours = self._outbox.record_result(taken, outcome, now=now)
        if is_ours:
            self._note(MAIL if taken.endpoint is None else WEBHOOK, RESULTS[outcome.state])
        return is_ours
