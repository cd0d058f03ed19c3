"""Exports the heartbeats of a process as gauges."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from runtime.heartbeats import Heartbeats

_AGE = ("video_uploads_heartbeat_age_seconds", "Time since the last beat of a part.")
_LIMIT = ("video_uploads_heartbeat_limit_seconds", "Longest round of a part; liveness fails after it.")


class HeartbeatCollector(Collector):
    """The age of each part's last beat at the time of the scrape, beside its limit."""

    def __init__(self, beats: Heartbeats) -> None:
        self._beats = beats

    def collect(self) -> Iterable[Metric]:
        """Return both families. Of parts with the same name, the one that is nearest to its limit counts."""
        ages, limits = GaugeMetricFamily(*_AGE, labels=["part"]), GaugeMetricFamily(*_LIMIT, labels=["part"])
        for part, (age, limit) in self._beats.ages().items():
            ages.add_metric([part], age)
            limits.add_metric([part], limit)
        return (ages, limits)


class HeartbeatGauges:
    """The same for one of several processes that share their metrics: the oldest beat of all of them is shown."""

    def __init__(self, beats: Heartbeats, registry: CollectorRegistry) -> None:
        self._beats = beats
        self._ages = Gauge(*_AGE, ["part"], registry=registry, multiprocess_mode="livemax")
        self._limits = Gauge(*_LIMIT, ["part"], registry=registry, multiprocess_mode="livemax")

    def sample(self) -> None:
        """Set both gauges."""
        for part, (age, limit) in self._beats.ages().items():
            self._ages.labels(part).set(age)
            self._limits.labels(part).set(limit)
