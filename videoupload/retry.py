"""How often and how soon a call is repeated. The wait itself is injected, so that tests take no time."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from videoupload.errors import ClientError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

_Result = TypeVar("_Result")


def pause_seconds(failures: int, *, retry_after_seconds: float | None, jitter: float) -> float:
    """Return how long to wait after so many failures in a row; ``jitter`` between 0 and 1 keeps clients apart."""
    grown = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10))
    return max(retry_after_seconds or 0, grown * (0.5 + jitter / 2))


@dataclass(frozen=True)
class Retry:
    """Repeats a call until its pauses add up to ``seconds``; then its error is raised.

    Only pauses count: a part that takes minutes on a slow line, and is cut at its end, is tried again like any other.
    """

    seconds: float = 300
    jitter: Callable[[], float] = random.random
    # Called before each pause, with the error and the seconds.
    tell: Callable[[ClientError, float], object] = lambda _error, _seconds: None
    # Another thread sets it to end all waiting.
    ended: threading.Event = field(default_factory=threading.Event)
    # Waits so many seconds, or until the event is set.
    pause: Callable[[threading.Event, float], object] = threading.Event.wait

    def call(self, attempt: Callable[[], _Result]) -> _Result:
        """Repeat ``attempt`` while it raises a retryable ClientError, within the limit of ``seconds``."""
        waited, failures = 0.0, 0
        while True:
            try:
                return attempt()
            except ClientError as error:
                failures += 1
                after = getattr(error, "retry_after_seconds", None)
                wait = pause_seconds(failures, retry_after_seconds=after, jitter=self.jitter())
                if not error.is_retryable or waited + wait > self.seconds:
                    raise
                self.tell(error, wait)
                self.wait(wait)
                waited += wait
                if self.ended.is_set():
                    raise

    def wait(self, seconds: float) -> None:
        """Wait, unless ``ended`` is set."""
        self.pause(self.ended, seconds)
