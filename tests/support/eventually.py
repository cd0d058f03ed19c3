"""Waits in tests for something that another process does."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(
    condition: Callable[[], Value | None], *, within_seconds: float = 30, every_seconds: float = 0.1
) -> Value:
    """Call ``condition`` until it returns a true value, and return that.

    An AssertionError in ``condition`` counts as "not yet". On timeout the failure shows the last value.
    """
    end = time.monotonic() + within_seconds
    pause = threading.Event()
    while True:
        try:
            last: object = condition()
        except AssertionError as error:
            last = error
        else:
            if last:
                return last  # type: ignore[return-value]
        if time.monotonic() >= end:
            raise AssertionError(f"not within {within_seconds:g} s; last value: {last!r}")
        pause.wait(every_seconds)
