"""How often and how soon something is tried again. Waiting itself is handed in, so that tests need no time."""

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
    """For how many seconds in all something is waited for before its trouble is handed on.

    Only pauses count: a part that takes minutes on a slow line, and is cut at its end, is tried again like any other.
    """

    seconds: float = 300
    jitter: Callable[[], float] = random.random
    # Told of each trouble that is waited out, and for how long.
    tell: Callable[[ClientError, float], object] = lambda _error, _seconds: None
    # Set by another thread, it ends all waiting.
    ended: threading.Event = field(default_factory=threading.Event)
    # Waits so many seconds, or until the event is set.
    pause: Callable[[threading.Event, float], object] = threading.Event.wait

    def call(self, attempt: Callable[[], _Result]) -> _Result:
        """Repeat ``attempt`` while it raises a ClientError that may pass, as long as the patience lasts."""
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
        """Wait, unless it has ended."""
        self.pause(self.ended, seconds)
