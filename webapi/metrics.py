"""The API's Prometheus metrics. How gunicorn's workers share them is in webapi/server/shared_metrics.py."""

from collections.abc import Callable, Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

# Nothing uses the creation time, which costs one more series for each counter and histogram.
disable_created_metrics()  # type: ignore[no-untyped-call]

# The limits of calls that the memory of a process counts (http/request_limit.py, http/change_limit.py).
CALL_LIMITS = ("user", "address", "changes")
CALLBACK_RESULTS = ("recorded", "forged", "malformed", "unavailable", "failed")
_PREFIX = "video_uploads"


class ApiMetrics:
    """The API's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._exported = self.registry
        # Each sets gauges that are computed. A worker can show only those values of another that were set.
        self.samplers: list[Callable[[], object]] = []
        ProcessCollector(registry=self.registry)
        self.request_seconds = Histogram(
            f"{_PREFIX}_http_request_seconds",
            "Duration of a request, by route template and status.",
            ["method", "route", "status"],
            registry=self.registry,
            # Half a millisecond is a fast GET; five seconds is the statement timeout.
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        )
        self.requests_refused = Counter(
            f"{_PREFIX}_requests_refused_total",
            "Calls refused with 429 because a limit of calls in a minute was reached, by that limit.",
            ["limit"],
            registry=self.registry,
        )
        self.published = Counter(
            f"{_PREFIX}_publish_total",
            "Writes of resources to Kubernetes, by result; the resync repairs all but `applied`.",
            ["result"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            f"{_PREFIX}_publish_waiting",
            "Resources that wait for the publisher.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.oldest_waiting = Gauge(
            f"{_PREFIX}_publish_waiting_seconds",
            "How long the oldest resource has waited that is not applied yet.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self.callbacks = Counter(
            f"{_PREFIX}_callbacks_total",
            "Callbacks by result; all but `recorded` changed nothing.",
            ["result"],
            registry=self.registry,
        )
        self.callback_age = Histogram(
            f"{_PREFIX}_callback_age_seconds",
            "Time from the end of a job, as its callback states it, to the callback's arrival.",
            registry=self.registry,
            # Coconut states whole seconds.
            buckets=(1, 2, 5, 10, 30, 60, 120, 300, 900, 3600),
        )
        self.last_callback = Gauge(
            f"{_PREFIX}_callback_last_timestamp_seconds",
            "When the last callback was recorded.",
            registry=self.registry,
            multiprocess_mode="max",
        )
        self.waits_open = Gauge(
            f"{_PREFIX}_waits_open",
            "Clients that wait for a change of a video, by long poll or by stream.",
            ["kind"],
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.waits_refused = Counter(
            f"{_PREFIX}_waits_refused_total",
            "Clients that were not allowed to wait, by what was full.",
            ["reason"],
            registry=self.registry,
        )
        self.listening = Gauge(
            f"{_PREFIX}_changes_listening",
            "1 while LISTEN brings changes at once; without it they are found by comparison.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self.operators_expected = Gauge(
            f"{_PREFIX}_operator_expected",
            "1 for each of several regions whose operator runs in this cluster.",
            ["region"],
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        # Export 0 before the first one.
        for result in CALLBACK_RESULTS:
            self.callbacks.labels(result)
        for limit in CALL_LIMITS:
            self.requests_refused.labels(limit)

    def expect_operators(self, regions: Iterable[str]) -> None:
        """Show regions whose operator runs in this cluster, so that one that is absent is missed."""
        for region in regions:
            self.operators_expected.labels(region).set(1)

    def count_refused(self, limit: str) -> None:
        """Count a call that a limit of calls in a minute refused."""
        self.requests_refused.labels(limit).inc()

    def export(self, registry: CollectorRegistry) -> None:
        """Show another registry from now on, such as that of all workers."""
        self._exported = registry

    def sample(self) -> None:
        """Set the gauges that are computed."""
        for sampler in self.samplers:
            sampler()

    def text(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        self.sample()
        return generate_latest(self._exported)
