"""A limit of calls in a minute for each key, in the memory of one process. Pure but for its table and its clock.

The generic cell rate algorithm (ITU-T I.371): for each key one number is kept, the time at which all of its calls are
paid off. A key that is forgotten has its whole quota again: a table that is too small refuses fewer calls, not more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

WINDOW_SECONDS = 60
# About 3 MB. Each key is a user with a token of its own, or a client's address.
KEYS_MAX = 10_000
# Sums of floats are off by less than this, and no call is refused for it.
_ROUNDING_SECONDS = 1e-6


class Taken(NamedTuple):
    """What one call left of its key's quota.

    ``remaining``: further calls that are allowed now. ``more_in_seconds``: when one more is allowed than that.
    ``is_refused``: this call was not allowed, and used nothing up; then ``more_in_seconds`` is when it is.
    """

    remaining: int
    more_in_seconds: float
    is_refused: bool


class CallLimiter:
    """Allows each key ``per_minute`` calls in a minute, all at once or spread. Thread-safe."""

    def __init__(self, per_minute: int, monotonic: Callable[[], float], *, keys_max: int = KEYS_MAX) -> None:
        self.per_minute = per_minute
        self._monotonic = monotonic
        self._keys_max = keys_max
        self._call_seconds = WINDOW_SECONDS / per_minute
        self._lock = threading.Lock()
        # When the calls of each key are paid off, least recently used first.
        self._paid_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._paid_at)

    def take(self, key: str) -> Taken:
        """Count a call of ``key``, unless it is refused."""
        each = self._call_seconds
        with self._lock:
            now = self._monotonic()
            free = WINDOW_SECONDS - max(0.0, self._paid_at.get(key, now) - now) + _ROUNDING_SECONDS
            is_refused = free < each
            if not is_refused:
                free -= each
                self._paid_at[key] = now + WINDOW_SECONDS - free + _ROUNDING_SECONDS
            self._paid_at.move_to_end(key)
            if len(self._paid_at) > self._keys_max:
                self._paid_at.popitem(last=False)
        remaining = int(free / each)
        return Taken(remaining, (remaining + 1) * each - free, is_refused)
