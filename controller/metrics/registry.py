"""What Prometheus can ask about the operator: what is counted. What is read when it asks is in collector.py.

Where controller-runtime has a name for something, it is used, with `videoupload` in the label that tells controllers
apart. All labels are closed sets; docs/metrics.md says what each metric is for, and why nothing is kept in Postgres.
"""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from controller.loop.workers import PassResult
from controller.metrics.collector import NAME, PREFIX, StateCollector
from controller.metrics.commits import CommitMetrics, EditionEnd, Prices
from controller.metrics.deliveries import CHANNELS, RESULTS
from domain.failures import ADVICE, FailureCode
from domain.records import AttemptState
from domain.video import Phase

# A series more for each counter and histogram, of which nobody asks anything.
disable_created_metrics()  # type: ignore[no-untyped-call]

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_HANDOVER = (0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 900)
_PHASE = (0.5, 1, 5, 15, 60, 120, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400)


class QueueCounters:
    """What happens at the queue, by the names of client-go; its state is read when it is asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def named(kind: type[Counter], name: str, told: str) -> Counter:
            made: Counter = kind(name, told, ["name"], registry=registry)
            return made.labels(NAME)

        def timed(name: str, told: str) -> Histogram:
            made = Histogram(name, told, ["name"], registry=registry, buckets=_QUICK)
            return made.labels(NAME)

        self._adds = named(Counter, "workqueue_adds", "Keys that were given a time, or an earlier one.")
        self._retries = named(Counter, "workqueue_retries", "Keys that were put off.")
        self._waited = timed("workqueue_queue_duration_seconds", "How late a due key was handed out.")
        self._worked = timed("workqueue_work_duration_seconds", "How long a key was in hand.")

    def added(self) -> None:
        """A key was given a time, or an earlier one."""
        self._adds.inc()

    def retried(self) -> None:
        """A key was put off."""
        self._retries.inc()

    def taken(self, waited_seconds: float) -> None:
        """A key was handed out."""
        self._waited.observe(waited_seconds)

    def done(self, worked_seconds: float) -> None:
        """A key was given back."""
        self._worked.observe(worked_seconds)


class OperatorMetrics:
    """The operator's counters, in a registry of their own."""

    def __init__(self, *, workers: int, prices: Prices) -> None:
        self._prices = prices
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.queue = QueueCounters(self.registry)
        self.live = StateCollector()
        self.registry.register(self.live)
        self._make_passes()
        self._make_calls()
        self._make_uploads()
        self._make_watching()
        self._workers.labels(NAME).set(workers)
        self._limit.set(prices.dollars_per_day)

    def _make_passes(self) -> None:
        self._passes = self._counter(
            "controller_runtime_reconcile", "Passes by how they ended.", "controller", "result"
        )
        self._errors = self._counter("controller_runtime_reconcile_errors", "Passes that failed.", "controller")
        self._panics = self._counter("controller_runtime_reconcile_panics", "Passes that broke.", "controller")
        self._pass_seconds = self._histogram(
            "controller_runtime_reconcile_time_seconds", "Seconds of a pass.", _QUICK, "controller"
        )
        self._workers = self._gauge("controller_runtime_max_concurrent_reconciles", "Workers there are.", "controller")
        self._leads = self._gauge("leader_election_master_status", "1 while this process holds the Lease.", "name")
        self._leads.labels(NAME).set(0)
        # What never happened is 0, not absent: an alert on the first one needs something to compare with.
        self._errors.labels(NAME)
        self._panics.labels(NAME)
        for result in PassResult:
            self._passes.labels(NAME, result)

    def _make_calls(self) -> None:
        self._kube = self._counter(
            "rest_client_requests", "Calls to the API server, kopf's excepted.", "code", "method"
        )
        told = "Calls to Coconut by what is asked and the HTTP status, `none` without an answer."
        self._coconut = self._counter(f"{PREFIX}_coconut_requests", told, "operation", "code")
        seconds = "Seconds until Coconut answered, or was given up."
        self._coconut_seconds = self._histogram(f"{PREFIX}_coconut_request_seconds", seconds, _QUICK, "operation")

    def _make_uploads(self) -> None:
        told = "Editions that came to rest, by failure code and the stage it belongs to."
        self._ended = self._counter(f"{PREFIX}_ended", told, "result", "stage", "code")
        self._phase_seconds = self._histogram(
            f"{PREFIX}_phase_seconds", "Seconds in a phase that was left.", _PHASE, "phase"
        )
        told = "From the accepted order to outputs on record."
        self._transcode_seconds = self._histogram(f"{PREFIX}_transcode_seconds", told, _PHASE)
        told = "What we add between a neighbour's end and our own."
        self._overhead = self._histogram(f"{PREFIX}_overhead_seconds", told, _HANDOVER, "handover")
        self._submissions = self._counter(f"{PREFIX}_submissions", "Paid orders by what became of them.", "outcome")
        self._spend = self._counter(f"{PREFIX}_spend_dollars", "What completed jobs cost by our prices.", "variant")
        self._limit = self._gauge(f"{PREFIX}_spend_limit_dollars", "What a day may cost; 0 where nobody said.")
        told = "Jobs found finished by polling, without a callback within two minutes."
        self._missing = self._counter(f"{PREFIX}_callbacks_missing", told)
        self._ended.labels("ready", "", "")
        for code in FailureCode:
            self._ended.labels(*_labels_of(EditionEnd(Phase.ERRORED, code)))
        for state in AttemptState:
            self._submissions.labels(state)
        for handover in ("submission", "publication"):
            self._overhead.labels(handover)
        for variant in ("hd", "sd"):
            self._spend.labels(variant)
        told = "Attempts at a delivery by how it goes out and what became of it."
        self._deliveries = self._counter(f"{PREFIX}_deliveries", told, "way", "result")
        for channel in CHANNELS:
            for result in RESULTS.values():
                self._deliveries.labels(channel, result)

    def _make_watching(self) -> None:
        told = "When every resource was last read."
        self._listed = self._gauge(f"{PREFIX}_resources_listed_timestamp_seconds", told)
        self._heard = self._gauge(f"{PREFIX}_watch_event_timestamp_seconds", "When the watch last brought an event.")
        told = "Comparisons by what is compared and how they ended."
        self._sweeps = self._counter(f"{PREFIX}_sweeps", told, "half", "result")
        self._swept = self._counter(f"{PREFIX}_sweep_found", "What comparisons found that no message told.", "half")

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(name, told, labels, registry=self.registry)

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(name, told, labels, registry=self.registry)

    def _histogram(self, name: str, told: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, told, labels, registry=self.registry, buckets=buckets)

    def text(self) -> bytes:
        """Return everything in the text format."""
        return generate_latest(self.registry)

    def leads(self, is_held: Callable[[], bool]) -> None:
        """Show from now on whether the Lease is held."""
        self._leads.labels(NAME).set_function(lambda: float(is_held()))

    def passed(self, result: PassResult, seconds: float) -> None:
        """Count a pass."""
        self._passes.labels(NAME, result).inc()
        self._pass_seconds.labels(NAME).observe(seconds)
        if result in {PassResult.ERROR, PassResult.PANIC}:
            self._errors.labels(NAME).inc()
        if result is PassResult.PANIC:
            self._panics.labels(NAME).inc()

    def asked_kubernetes(self, method: str, status: int | None) -> None:
        """Count a call to the API server."""
        self._kube.labels(_code(status, none="<error>"), method).inc()

    def asked_coconut(self, operation: str, status: int | None, seconds: float) -> None:
        """Count a call to Coconut."""
        self._coconut.labels(operation, _code(status, none="none")).inc()
        self._coconut_seconds.labels(operation).observe(seconds)

    def swept(self, half: str, found: int | None) -> None:
        """Count a comparison; ``found`` is None where it did not come to its end."""
        self._sweeps.labels(half, "done" if found is not None else "put_off").inc()
        self._swept.labels(half).inc(found or 0)
        if half in {"first_list", "resync"} and found is not None:
            self._listed.set_to_current_time()

    def heard(self) -> None:
        """Note that the watch brought something."""
        self._heard.set_to_current_time()

    def missed_callback(self) -> None:
        """Count a job that no callback told of."""
        self._missing.inc()

    def delivered(self, channel: str, result: str) -> None:
        """Count an attempt at a delivery."""
        self._deliveries.labels(channel, result).inc()

    def published(self, overhead_seconds: float) -> None:
        """Count what lay between the end of a job and `ready`."""
        self._overhead.labels("publication").observe(max(0.0, overhead_seconds))

    def committed(self, facts: CommitMetrics) -> None:
        """Count what a commit tells."""
        if facts.ending is not None:
            self._ended.labels(*_labels_of(facts.ending)).inc()
        if facts.stay is not None:
            self._phase_seconds.labels(facts.stay.phase).observe(facts.stay.seconds)
        if facts.submission is not None:
            self._submissions.labels(facts.submission).inc()
        if facts.ordering_seconds is not None:
            self._overhead.labels("submission").observe(facts.ordering_seconds)
        if facts.transcode_seconds is not None:
            self._transcode_seconds.observe(facts.transcode_seconds)
        if facts.minutes is not None:
            self._spend.labels("hd").inc(facts.minutes.hd * self._prices.hd)
            self._spend.labels("sd").inc(facts.minutes.sd * self._prices.sd)


def _labels_of(ending: EditionEnd) -> tuple[str, str, str]:
    if ending.failure is None:
        return str(ending.phase), "", ""
    return str(ending.phase), str(ADVICE[ending.failure].stage), str(ending.failure)


def _code(status: int | None, *, none: str) -> str:
    """Bound what a neighbour may say: three digits, or nothing."""
    if status is None:
        return none
    return str(status) if 100 <= status <= 599 else "other"
