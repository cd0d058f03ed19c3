"""What Prometheus can ask about one process. The API runs one worker per process, so no files are shared."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

# A series more for each counter and histogram, of which nobody asks anything.
disable_created_metrics()  # type: ignore[no-untyped-call]

CALLBACK_RESULTS = ("recorded", "forged", "malformed", "unavailable", "failed")
_PREFIX = "video_uploads_api"


class ApiMetrics:
    """The API's counters, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.request_seconds = Histogram(
            f"{_PREFIX}_request_seconds",
            "Time to answer, by route template and status.",
            ["method", "route", "status"],
            registry=self.registry,
            # Half a millisecond is a good GET, five seconds is where a statement is cut off.
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        )
        self.published = Counter(
            f"{_PREFIX}_publish_total",
            "Wishes on their way into Kubernetes, by result; the sweep repairs all but `applied`.",
            ["result"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            f"{_PREFIX}_publish_waiting", "Wishes that wait for the publisher.", registry=self.registry
        )
        self.callbacks = Counter(
            f"{_PREFIX}_callbacks_total",
            "Callbacks by result; all but `recorded` changed nothing.",
            ["result"],
            registry=self.registry,
        )
        self.callback_age = Histogram(
            f"{_PREFIX}_callback_age_seconds",
            "From the end of a job, as the callback tells it, to the callback's arrival.",
            registry=self.registry,
            # Coconut's clock counts in seconds.
            buckets=(1, 2, 5, 10, 30, 60, 120, 300, 900, 3600),
        )
        self.last_callback = Gauge(
            f"{_PREFIX}_callback_last_timestamp_seconds", "When the last one was recorded.", registry=self.registry
        )
        for result in CALLBACK_RESULTS:  # what never happened is 0, not absent
            self.callbacks.labels(result)

    def text(self) -> bytes:
        """Return everything in the text format."""
        return generate_latest(self.registry)
