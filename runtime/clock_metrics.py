"""Exports by how much the machine's own clock is wrong, as gauges."""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from runtime.clock import SharedClock

_SKEW = (
    "video_uploads_clock_skew_seconds",
    "By how much the clock of this process is ahead of another; negative if it is behind.",
)


class ClockSkewCollector(Collector):
    """The skew against each clock that was measured, at the time of the scrape."""

    def __init__(self, clocks: Mapping[str, SharedClock]) -> None:
        """``clocks``: by the label ``against``."""
        self._clocks = clocks

    def collect(self) -> Iterable[Metric]:
        """Return the family."""
        skews = GaugeMetricFamily(*_SKEW, labels=["against"])
        for against, seconds in _skews(self._clocks):
            skews.add_metric([against], seconds)
        return (skews,)


class ClockSkewGauges:
    """The same for one of several processes that share their metrics and their machine."""

    def __init__(self, clocks: Mapping[str, SharedClock], registry: CollectorRegistry) -> None:
        self._clocks = clocks
        self._skews = Gauge(*_SKEW, ["against"], registry=registry, multiprocess_mode="livemostrecent")

    def sample(self) -> None:
        """Set the gauges."""
        for against, seconds in _skews(self._clocks):
            self._skews.labels(against).set(seconds)


def _skews(clocks: Mapping[str, SharedClock]) -> Iterable[tuple[str, float]]:
    measured = ((against, clock.skew_seconds()) for against, clock in clocks.items())
    return ((against, seconds) for against, seconds in measured if seconds is not None)
