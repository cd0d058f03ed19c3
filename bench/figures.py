"""Rates, percentiles, ratios and the printed table of a comparison. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Round:
    """One round of one side: the seconds of each request, and the length of the round."""

    latencies: tuple[float, ...]
    seconds: float

    @property
    def per_second(self) -> float:
        """Return the requests per second."""
        return len(self.latencies) / self.seconds


@dataclass(frozen=True)
class Side:
    """One of the two compared servers, with its rounds."""

    name: str
    rounds: tuple[Round, ...]

    @property
    def per_second(self) -> float:
        """Return the requests per second over all rounds."""
        answered = sum(len(one.latencies) for one in self.rounds)
        return answered / sum(one.seconds for one in self.rounds)

    def milliseconds(self, share: float) -> float:
        """Return the latency that this share of all requests does not exceed."""
        return 1000 * percentile([latency for one in self.rounds for latency in one.latencies], share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of the values do not exceed. Raises ValueError for none."""
    if not values or not 0 < share <= 1:
        raise ValueError("a percentile is a share above 0 of some values")
    return sorted(values)[math.ceil(share * len(values)) - 1]


def ratios(ours: Side, bare: Side) -> list[float]:
    """Return our rate relative to the bare one, round by round: adjacent rounds met the same load."""
    return [mine.per_second / least.per_second for mine, least in zip(ours.rounds, bare.rounds, strict=True)]


def comparison(ours: Side, bare: Side) -> str:
    """Return a Markdown table, and the median ratio with its spread."""
    lines = ["| | requests/s | p50 ms | p99 ms |", "|---|---|---|---|"]
    lines += [
        f"| {side.name} | {side.per_second:.0f} | {side.milliseconds(0.5):.1f} | {side.milliseconds(0.99):.1f} |"
        for side in (ours, bare)
    ]
    each = ratios(ours, bare)
    return "\n".join([*lines, "", f"ratio {median(each):.2f} ({min(each):.2f} to {max(each):.2f})"])
