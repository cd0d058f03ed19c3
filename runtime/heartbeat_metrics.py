"""Exports the heartbeats of a process as gauges."""

from collections.abc import Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from runtime.heartbeats import Heartbeats

_PREFIX = "video_uploads_heartbeat"


class HeartbeatCollector(Collector):
    """The age of each part's last beat at the time of the scrape, beside its limit."""

    def __init__(self, beats: Heartbeats) -> None:
        self._beats = beats

    def collect(self) -> Iterable[Metric]:
        """Return both families. Of parts with the same name, the one that is nearest to its limit counts."""
        ages = GaugeMetricFamily(f"{_PREFIX}_age_seconds", "Time since the last beat of a part.", labels=["part"])
        text = "Longest round of a part; liveness fails after it."
        limits = GaugeMetricFamily(f"{_PREFIX}_limit_seconds", text, labels=["part"])
        for part, (age, limit) in self._beats.ages().items():
            ages.add_metric([part], age)
            limits.add_metric([part], limit)
        return (ages, limits)
