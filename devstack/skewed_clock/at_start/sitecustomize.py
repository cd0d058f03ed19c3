"""Sleeps without clock_nanosleep, to which libfaketime 0.9.10 passes a wrong time when the monotonic clock is real."""

import select
import time
from typing import SupportsIndex


def _sleep(seconds: float | SupportsIndex, /) -> None:
    select.select([], [], [], float(seconds))


time.sleep = _sleep
