"""Sends from one queue per endpoint and one for mail, so that a slow receiver delays no other.

Each queue with work has its own thread, which makes one delivery after the other and ends when none is due.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import structlog

from controller.notify.backoff import Backoff
from controller.notify.deliver import Channels, deliver_one
from domain.errors import UpstreamError
from runtime import heartbeats
from runtime.heartbeats import Heartbeats

log = structlog.get_logger(__name__)

_AT_ONCE = 500
# One delivery: looking up the receiver, a whole exchange, and two statements.
_DELIVERY_SECONDS = 180.0


class Dispatcher:
    """Sends from all queues: one thread for each queue with work."""

    def __init__(
        self,
        channels: Channels,
        backoff: Backoff,
        *,
        clock: Callable[[], datetime],
        for_delivery: Callable[[Channels], Channels] = lambda channels: channels,
        beats: Heartbeats | None = None,
    ) -> None:
        """``for_delivery`` returns the channels of one delivery; only tests replace any (failpoints.py)."""
        self._channels = channels
        self._backoff = backoff
        self._clock = clock
        self._for_delivery = for_delivery
        self._beats = beats or Heartbeats()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def send_until(self, stop: threading.Event, *, every_seconds: float) -> None:
        """Send what is due, repeatedly, until ``stop``."""
        while not heartbeats.wait(stop, every_seconds):
            try:
                self.send_due()
            except UpstreamError as error:
                log.warning("dispatch_interrupted", error=str(error))
            except Exception:
                # One notification that cannot be read must not hold back all others.
                log.exception("dispatch_failed")
        self._stop.set()

    def send_due(self) -> None:
        """Dispatch new notifications, and start a thread for each idle queue with work. Raises UnavailableError."""
        outbox, with_mail = self._channels.outbox, self._channels.mail is not None
        while outbox.dispatch(with_mail=with_mail, now=self._clock(), at_most=_AT_ONCE) == _AT_ONCE:
            heartbeats.record()
        for queue_name in outbox.due_queues(with_mail=with_mail, now=self._clock()):
            with self._lock:
                if queue_name not in self._busy:
                    # A daemon, so that the process does not wait for a slow receiver when it ends.
                    self._beats.thread(
                        "delivery",
                        partial(self._work, queue_name),
                        at_most_seconds=_DELIVERY_SECONDS,
                        name=f"queue-{queue_name}",
                        daemon=True,
                    ).start()
                    # Only after the start: if it fails, the next call tries again. The thread's end waits for our lock.
                    self._busy.add(queue_name)

    def _work(self, queue_name: str) -> None:
        try:
            while not self._stop.is_set():
                heartbeats.record()
                if not deliver_one(queue_name, self._for_delivery(self._channels), self._backoff, self._clock):
                    return
        except UpstreamError as error:
            log.warning("queue_interrupted", queue_name=queue_name, error=str(error))
        except Exception:
            log.exception("queue_failed", queue_name=queue_name)
        finally:
            with self._lock:
                self._busy.discard(queue_name)
