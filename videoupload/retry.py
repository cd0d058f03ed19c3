"""When and how often a call is retried. The wait is injected, so that tests take no time."""

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
    """Return how long to wait after ``failures`` in a row; ``jitter`` from 0 to 1 spreads the clients."""
    grown = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 10))
    return max(retry_after_seconds or 0, grown * (0.5 + jitter / 2))


@dataclass(frozen=True)
class Retry:
    """Retries a call until its pauses add up to ``seconds``, then raises its error.

    Only pauses count, so a part that fails after minutes on a slow line is retried like any other.
    """

    seconds: float = 300
    jitter: Callable[[], float] = random.random
    # Called before each pause, with the error and the seconds.
    on_retry: Callable[[ClientError, float], object] = lambda _error, _seconds: None
    # Another thread sets it to end all waiting.
    ended: threading.Event = field(default_factory=threading.Event)
    # Waits for the seconds, or until the event is set.
    pause: Callable[[threading.Event, float], object] = threading.Event.wait

    def call(self, attempt: Callable[[], _Result]) -> _Result:
        """Call ``attempt`` until it succeeds, raises an error that is not retryable, or ``seconds`` are used up."""
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
                self.on_retry(error, wait)
                self.wait(wait)
                waited += wait
                if self.ended.is_set():
                    raise

    def wait(self, seconds: float) -> None:
        """Wait, unless ``ended`` is set."""
        self.pause(self.ended, seconds)
