"""Waits for a condition in another process by polling, where nothing can notify us."""

import threading
import time
from collections.abc import Callable

_LOOK_EVERY_SECONDS = 0.05


class NotInTimeError(Exception):
    """A condition did not become true in time."""


def until(condition: Callable[[], bool], *, within_seconds: float, what: str) -> None:
    """Poll until ``condition()`` is true. Raises NotInTimeError naming ``what``."""
    end = time.monotonic() + within_seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() >= end:
            raise NotInTimeError(f"waited {within_seconds:g} s for {what}")
        pause.wait(_LOOK_EVERY_SECONDS)
