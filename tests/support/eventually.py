"""Waiting in tests for something that another process will do."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")


def eventually(look: Callable[[], Seen | None], *, within_seconds: float = 30, every_seconds: float = 0.1) -> Seen:
    """Call ``look`` until it returns something true, and return that.

    An AssertionError inside ``look`` counts as "not yet". Fails with the last thing seen.
    """
    end = time.monotonic() + within_seconds
    pause = threading.Event()
    while True:
        try:
            last: object = look()
        except AssertionError as error:
            last = error
        else:
            if last:
                return last  # type: ignore[return-value]
        if time.monotonic() >= end:
            raise AssertionError(f"not within {within_seconds:g} s; last seen: {last!r}")
        pause.wait(every_seconds)
