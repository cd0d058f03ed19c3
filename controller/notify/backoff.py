"""When a failed delivery is attempted again: for about three days, after that only when an administrator replays it."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

# After the first attempt, the second, and so on: as Standard Webhooks suggests.
# https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
_MINUTE, _HOUR = 60.0, 3600.0
PAUSES_SECONDS = (
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
ATTEMPTS_MAX = len(PAUSES_SECONDS) + 1
_LEASE_SECONDS_MIN = 5.0
# Deliveries that failed together must not be attempted together again.
_JITTER = 0.1


@dataclass(frozen=True)
class Backoff:
    """The pauses and the lease. Tests shorten all of them by ``scale``."""

    scale: float = 1.0
    # Longer than any attempt takes. If its process dies, the delivery is due again after this.
    lease_seconds: float = 60.0

    def pause(self, delivery_id: UUID, *, attempt: int, retry_after_seconds: float | None) -> timedelta | None:
        """Return the pause after an attempt, at least as long as the receiver asked for; None after the last one."""
        if attempt >= ATTEMPTS_MAX:
            return None
        seconds = PAUSES_SECONDS[attempt - 1] * (1 + _JITTER * _jitter(delivery_id, attempt)) * self.scale
        return timedelta(seconds=max(seconds, retry_after_seconds or 0.0))

    @property
    def lease(self) -> timedelta:
        """Return how long a delivery is leased; a short ``scale`` does not make an attempt any faster."""
        return timedelta(seconds=max(_LEASE_SECONDS_MIN, self.lease_seconds * self.scale))

    @property
    def default_retry_after(self) -> timedelta:
        """Return how long an overloaded endpoint gets no deliveries if it does not say how long."""
        return timedelta(seconds=PAUSES_SECONDS[0] * self.scale)


def _jitter(delivery_id: UUID, attempt: int) -> float:
    """Return a number from 0 to 1, always the same for one attempt."""
    digest = hashlib.blake2b(delivery_id.bytes + attempt.to_bytes(4, "big"), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 0xFFFFFFFF
