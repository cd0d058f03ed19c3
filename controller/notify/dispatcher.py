"""One queue for each endpoint and one for mail, so that a slow receiver delays no other.

Each queue sends one delivery after the other in a thread of its own, which ends when nothing is due. There are at most
as many threads as queues with work.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from controller.notify.backoff import Backoff
from controller.notify.deliver import Channels, LeasedOutbox, deliver_one
from domain.errors import UpstreamError

log = structlog.get_logger(__name__)

_AT_ONCE = 500


class OutboxDispatch(LeasedOutbox, Protocol):
    """The outbox, and which of its queues have work. Every method raises UnavailableError."""

    def dispatch(self, *, with_mail: bool, now: datetime, at_most: int) -> int:
        """Address the oldest notifications not yet addressed. Return how many there were."""
        ...

    def due_queues(self, *, with_mail: bool, now: datetime) -> Sequence[str]:
        """Return the queues in which a delivery is due."""
        ...


class Dispatcher:
    """Sends from all queues: one thread for each queue with work."""

    def __init__(
        self,
        outbox: OutboxDispatch,
        channels: Channels,
        schedule: Backoff,
        *,
        clock: Callable[[], datetime],
        for_delivery: Callable[[Channels], Channels] = lambda channels: channels,
    ) -> None:
        """``for_delivery``: what one delivery sees of the ways; all of them, but for tests (failpoints.py)."""
        self._outbox = outbox
        self._channels = channels
        self._schedule = schedule
        self._clock = clock
        self._for_delivery = for_delivery
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def send_until(self, stop: threading.Event, *, every_seconds: float) -> None:
        """Look for what is due again and again until ``stop``."""
        while not stop.wait(every_seconds):
            try:
                self.turn()
            except UpstreamError as error:
                log.warning("dispatch_interrupted", error=str(error))
            except Exception:
                # One notification that cannot be read must not keep all others from leaving.
                log.exception("dispatch_failed")
        self._stop.set()

    def turn(self) -> None:
        """Address what is new, and start a thread for each idle queue that has work. Raises UnavailableError."""
        with_mail = self._channels.mail is not None
        while self._outbox.dispatch(with_mail=with_mail, now=self._clock(), at_most=_AT_ONCE) == _AT_ONCE:
            pass
        for queue_name in self._outbox.due_queues(with_mail=with_mail, now=self._clock()):
            with self._lock:
                if queue_name not in self._busy:
                    # A receiver may take its time: the end of the process does not wait for it.
                    threading.Thread(
                        target=self._work, args=(queue_name,), name=f"lane-{queue_name}", daemon=True
                    ).start()
                    # Only now: where no thread can be had, the next turn tries again. Its end waits for our lock.
                    self._busy.add(queue_name)

    def _work(self, queue_name: str) -> None:
        try:
            while not self._stop.is_set():
                if not deliver_one(queue_name, self._for_delivery(self._channels), self._schedule, self._clock):
                    return
        except UpstreamError as error:
            log.warning("queue_interrupted", queue_name=queue_name, error=str(error))
        except Exception:
            log.exception("queue_failed", queue_name=queue_name)
        finally:
            with self._lock:
                self._busy.discard(queue_name)
