"""Rates and percentiles. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Round:
    """One round of requests: the seconds of each, and the length of the round."""

    latencies: tuple[float, ...]
    seconds: float

    @property
    def per_second(self) -> float:
        """Return the requests per second."""
        return len(self.latencies) / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed. Raises ValueError for none."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile is a share above 0 of some values")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def in_milliseconds(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile under labels that begin with ``name``; nothing for no values."""
    if not seconds:
        return {}
    return {
        f"{name}, p50 ms": 1000 * percentile(seconds, 0.5),
        f"{name}, p99 ms": 1000 * percentile(seconds, 0.99),
    }
