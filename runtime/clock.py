"""A clock that is never set and goes on while the machine sleeps, for promises about time that has really passed."""

import time

# Linux stops CLOCK_MONOTONIC during a suspend; elsewhere the monotonic clock goes on, or there is no better one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def elapsed() -> float:
    """Return seconds since an arbitrary moment, those of a suspend included.

    A hypervisor that pauses a machine may stop this clock too: see `is_open` in database/attempts.py.
    """
    return time.clock_gettime(_CLOCK)
