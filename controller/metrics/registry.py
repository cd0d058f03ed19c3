"""The operator's counters and histograms. Gauges that are read at scrape time are in collector.py.

Names of controller-runtime and client-go are used where they exist, with `videoupload` as the controller's name. All
labels are closed sets. docs/metrics.md describes each metric, and why the counters live in the process.
"""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from controller.loop.pass_result import PassResult
from controller.metrics.collector import NAME, PREFIX, StateCollector
from controller.metrics.commits import CommitMetrics, EditionEnd
from crds.events import EventResult
from domain.failures import ADVICE, FailureCode
from domain.notifications import CHANNELS, DeliveryState
from domain.records import AttemptState
from domain.source_fetch import FetchResult
from domain.spending import Prices
from domain.video import Phase
from runtime.clock import own_time
from runtime.tracing import trace_id

# It adds a series to each counter and histogram that no query uses.
disable_created_metrics()  # type: ignore[no-untyped-call]

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_HANDOVER = (0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 900)
_PHASE = (0.5, 1, 5, 15, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400)
# A delivery that is still pending after an attempt will be retried.
_DELIVERY_RESULTS = {
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.PENDING: "deferred",
    DeliveryState.FAILED: "failed",
}


class QueueCounters:
    """Counts events at the work queue under client-go's names; collector.py exports the queue's state."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, documentation: str) -> Counter:
            return Counter(name, documentation, ["name"], registry=registry).labels(NAME)

        def histogram(name: str, documentation: str) -> Histogram:
            return Histogram(name, documentation, ["name"], registry=registry, buckets=_QUICK).labels(NAME)

        self._adds = counter("workqueue_adds", "Keys that were scheduled, or scheduled earlier.")
        self._retries = counter("workqueue_retries", "Keys that were requeued with backoff.")
        self._waited = histogram("workqueue_queue_duration_seconds", "Time from a key being due to its pass starting.")
        self._worked = histogram("workqueue_work_duration_seconds", "Duration of a pass, as the queue measures it.")

    def added(self) -> None:
        """Count a key that was scheduled, or scheduled earlier."""
        self._adds.inc()

    def retried(self) -> None:
        """Count a key that was requeued with backoff."""
        self._retries.inc()

    def taken(self, waited_seconds: float) -> None:
        """Count a key that a worker took."""
        self._waited.observe(waited_seconds)

    def done(self, worked_seconds: float) -> None:
        """Count a key that a worker gave back."""
        self._worked.observe(worked_seconds)


class OperatorMetrics:
    """The operator's metrics in a registry of their own. ``state`` is exported at each scrape."""

    def __init__(
        self,
        *,
        workers: int,
        prices: Prices,
        clock: Callable[[], datetime] = own_time,
        with_exemplars: bool = False,
    ) -> None:
        """``clock``: the one that rows are written by. ``with_exemplars``: name the traces of videos, too."""
        self._with_exemplars = with_exemplars
        self._prices = prices
        self._clock = clock
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.queue = QueueCounters(self.registry)
        self.state = StateCollector(clock)
        self.registry.register(self.state)
        self._define_passes()
        self._define_requests()
        self._define_uploads()
        self._define_tasks()
        self._workers.labels(NAME).set(workers)
        self._limit.set(prices.dollars_per_day)

    def _define_passes(self) -> None:
        self._passes = self._counter("controller_runtime_reconcile", "Passes, by result.", "controller", "result")
        self._errors = self._counter("controller_runtime_reconcile_errors", "Passes that failed.", "controller")
        self._panics = self._counter(
            "controller_runtime_reconcile_panics", "Passes that ended in an unexpected exception.", "controller"
        )
        self._pass_seconds = self._histogram(
            "controller_runtime_reconcile_time_seconds", "Duration of a pass.", _QUICK, "controller"
        )
        self._workers = self._gauge("controller_runtime_max_concurrent_reconciles", "Number of workers.", "controller")
        self._leads = self._gauge("leader_election_master_status", "1 while this process holds the Lease.", "name")
        self._leads.labels(NAME).set(0)
        # Export 0 before the first event: an alert on an increase needs a value to compare with.
        self._errors.labels(NAME)
        self._panics.labels(NAME)
        for result in PassResult:
            self._passes.labels(NAME, result)

    def _define_requests(self) -> None:
        self._kubernetes = self._counter(
            "rest_client_requests", "Requests to the API server, except those of kopf.", "code", "method"
        )
        text = "Duration of a request to the API server, up to the end of its response or an error."
        self._kubernetes_seconds = self._histogram("rest_client_request_duration_seconds", text, _QUICK, "verb")
        self._events = self._counter(
            f"{PREFIX}_kubernetes_events", "Events of Kubernetes, by what became of them.", "result"
        )
        for result in EventResult:
            self._events.labels(result)
        text = "Requests to Coconut, by operation and HTTP status; `none` when no response arrived."
        self._coconut = self._counter(f"{PREFIX}_coconut_requests", text, "operation", "code")
        text = "Duration of a request to Coconut, up to its response or error."
        self._coconut_seconds = self._histogram(f"{PREFIX}_coconut_request_seconds", text, _QUICK, "operation")

    def _define_uploads(self) -> None:
        text = "Editions that became ready or errored, by failure code and its stage."
        self._ended = self._counter(f"{PREFIX}_ended", text, "result", "stage", "code")
        text = "Time that an upload spent in a phase that it left."
        self._phase_seconds = self._histogram(f"{PREFIX}_phase_seconds", text, _PHASE, "phase")
        text = "Time from the accepted submission to the commit of its outputs."
        self._transcode_seconds = self._histogram(f"{PREFIX}_transcode_seconds", text, _PHASE)
        text = "Time that the service adds at each handover from the client or Coconut."
        self._overhead = self._histogram(f"{PREFIX}_overhead_seconds", text, _HANDOVER, "handover")
        self._submissions = self._counter(f"{PREFIX}_submissions", "Attempts, by each state they reach.", "outcome")
        text = "Cost of completed jobs at the configured prices."
        self._billed = self._counter(f"{PREFIX}_billed_seconds", "Billed output of completed jobs.", "variant")
        self._spend = self._counter(f"{PREFIX}_spend_dollars", text, "variant")
        text = "Configured spending limit per day; 0 when unset."
        self._limit = self._gauge(f"{PREFIX}_spend_limit_dollars", text)
        text = "Jobs that polling found finished, without a callback within two minutes."
        self._missing = self._counter(f"{PREFIX}_callbacks_missing", text)
        self._ended.labels("ready", "", "")
        for code in FailureCode:
            self._ended.labels(*_labels_of(EditionEnd(Phase.ERRORED, code)))
        for state in AttemptState:
            self._submissions.labels(state)
        for handover in ("submission", "publication"):
            self._overhead.labels(handover)
        for variant in ("hd", "sd"):
            self._spend.labels(variant)
            self._billed.labels(variant)
        text = "Delivery attempts, by channel and result."
        self._deliveries = self._counter(f"{PREFIX}_deliveries", text, "channel", "result")
        for channel in CHANNELS:
            for result in _DELIVERY_RESULTS.values():
                self._deliveries.labels(channel, result)

        text = "Tries to fetch a file from a URL, by how they ended."
        self._fetches = self._counter(f"{PREFIX}_source_fetch_tries", text, "result")
        for fetch in FetchResult:
            self._fetches.labels(fetch)

    def _define_tasks(self) -> None:
        text = "When all resources were last listed."
        self._listed = self._gauge(f"{PREFIX}_resources_listed_timestamp_seconds", text)
        text = "When the watch last delivered an event."
        self._watched = self._gauge(f"{PREFIX}_watch_event_timestamp_seconds", text)
        text = "Runs of the background tasks, by result."
        self._tasks = self._counter(f"{PREFIX}_tasks", text, "task", "result")
        text = "Uploads that background tasks found to need a pass or a repair."
        self._task_findings = self._counter(f"{PREFIX}_task_findings", text, "task")

    def _counter(self, name: str, documentation: str, *labels: str) -> Counter:
        return Counter(name, documentation, labels, registry=self.registry)

    def _gauge(self, name: str, documentation: str, *labels: str) -> Gauge:
        return Gauge(name, documentation, labels, registry=self.registry)

    def _histogram(self, name: str, documentation: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, documentation, labels, registry=self.registry, buckets=buckets)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics, and their media type: OpenMetrics for who accepts it, if there are exemplars to show."""
        encode, media_type = choose_encoder(accept if self._with_exemplars else "")
        return encode(self.registry), media_type

    def export_leadership(self, is_leader: Callable[[], bool]) -> None:
        """Ask ``is_leader`` at each scrape from now on."""
        self._leads.labels(NAME).set_function(lambda: float(is_leader()))

    def pass_ended(self, result: PassResult, seconds: float) -> None:
        """Count a pass."""
        self._passes.labels(NAME, result).inc()
        self._pass_seconds.labels(NAME).observe(seconds)
        if result in {PassResult.ERROR, PassResult.PANIC}:
            self._errors.labels(NAME).inc()
        if result is PassResult.PANIC:
            self._panics.labels(NAME).inc()

    def kubernetes_request(self, method: str, status: int | None, seconds: float) -> None:
        """Count a request to the API server. ``status``: None when no response arrived."""
        self._kubernetes.labels(_code(status, none="<error>"), method).inc()
        self._kubernetes_seconds.labels(method).observe(seconds)

    def events_ended(self, result: EventResult, count: int) -> None:
        """Count Events of Kubernetes that were posted, refused or dropped."""
        self._events.labels(result).inc(count)

    def coconut_request(self, operation: str, status: int | None, seconds: float) -> None:
        """Count a request to Coconut. ``status``: None when no response arrived."""
        self._coconut.labels(operation, _code(status, none="none")).inc()
        self._coconut_seconds.labels(operation).observe(seconds)

    def task_ended(self, task: str, findings: int | None) -> None:
        """Count a run of a background task. ``findings``: None when it failed."""
        self._tasks.labels(task, "success" if findings is not None else "error").inc()
        self._task_findings.labels(task).inc(findings or 0)
        if task in {"first_list", "resync"} and findings is not None:
            self._listed.set(self._clock().timestamp())

    def watch_event(self) -> None:
        """Note the time of a watch event."""
        self._watched.set(self._clock().timestamp())

    def callback_missing(self) -> None:
        """Count a finished job for which no callback arrived."""
        self._missing.inc()

    def fetch_ended(self, result: FetchResult) -> None:
        """Count a try to fetch a file."""
        self._fetches.labels(result).inc()

    def delivery_attempted(self, channel: str, state: DeliveryState) -> None:
        """Count an attempt at a delivery. ``state``: the delivery's state afterwards."""
        self._deliveries.labels(channel, _DELIVERY_RESULTS[state]).inc()

    def published(self, overhead_seconds: float) -> None:
        """Count the time from the end of a job to `ready`."""
        self._overhead.labels("publication").observe(max(0.0, overhead_seconds))

    def committed(self, commit: CommitMetrics, *, exemplar: str | None = None) -> None:
        """Count a commit. ``exemplar``: the id of a video, whose trace is an example of the phase's duration."""
        if commit.ending is not None:
            self._ended.labels(*_labels_of(commit.ending)).inc()
        if commit.stay is not None:
            example = {"trace_id": trace_id(exemplar)} if self._with_exemplars and exemplar is not None else None
            self._phase_seconds.labels(commit.stay.phase).observe(commit.stay.seconds, example)
        if commit.submission is not None:
            self._submissions.labels(commit.submission).inc()
        if commit.submission_seconds is not None:
            self._overhead.labels("submission").observe(commit.submission_seconds)
        if commit.transcode_seconds is not None:
            self._transcode_seconds.observe(commit.transcode_seconds)
        if commit.minutes is not None:
            for price_class, minutes in commit.minutes.items():
                self._billed.labels(price_class).inc(60 * minutes)
                self._spend.labels(price_class).inc(minutes * self._prices.of(price_class))


def _labels_of(ending: EditionEnd) -> tuple[str, str, str]:
    if ending.failure is None:
        return str(ending.phase), "", ""
    # What the provider cannot decode is no failure of the service: the objective leaves this stage out.
    stage = "file" if ending.failure is FailureCode.VIDEO_UNDECODABLE else str(ADVICE[ending.failure].stage)
    return str(ending.phase), stage, str(ending.failure)


def _code(status: int | None, *, none: str) -> str:
    """Bound the label's values: an upstream may answer any number."""
    if status is None:
        return none
    return str(status) if 100 <= status <= 599 else "other"
