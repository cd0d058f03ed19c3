"""What is read at the moment of a scrape: the queue, the gate, and the newest census. Counters are in metrics.py."""

import time
from collections.abc import Callable, Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.coconut.breaker import BreakerState
from controller.coconut.limiter import LimiterState
from controller.loop.queue import QueueState
from controller.metrics.deliveries import CHANNELS
from database.stats import WorkingSetStats
from domain.video import AT_REST, Phase

# Where controller-runtime and client-go name the controller, or its queue.
NAME = "videoupload"
PREFIX = "video_uploads"


class StateCollector(Collector):
    """What is read at the moment of a scrape. A standby has no queue, and numbers that are old are left out."""

    def __init__(self) -> None:
        self.queue: Callable[[], QueueState] | None = None
        self.limiter: Callable[[], LimiterState] | None = None
        self.working_set: WorkingSetStats | None = None

    def collect(self) -> Iterable[Metric]:
        """Return the families that there are."""
        if self.queue is not None:
            yield from _of_queue(self.queue())
        if self.limiter is not None:
            yield from _of_limiter(self.limiter())
        if (working_set := self.working_set) is not None:
            yield from _of_working_set(working_set, time.time())


def _gauge(name: str, told: str, values: dict[str, float], label: str) -> Metric:
    family = GaugeMetricFamily(name, told, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


def _of_queue(state: QueueState) -> Iterable[Metric]:
    held = state.held_seconds
    yield _gauge("workqueue_depth", "Keys that are due and in nobody's hands.", {NAME: state.depth}, "name")
    yield _gauge("workqueue_unfinished_work_seconds", "Seconds of all keys in hand.", {NAME: sum(held)}, "name")
    longest = {NAME: max(held, default=0.0)}
    yield _gauge("workqueue_longest_running_processor_seconds", "Seconds of the key longest in hand.", longest, "name")
    active = {NAME: float(len(held))}
    yield _gauge("controller_runtime_active_workers", "Workers with a key in hand.", active, "controller")
    yield GaugeMetricFamily(f"{PREFIX}_queue_oldest_seconds", "How late the first due key is.", state.oldest_seconds)


def _of_limiter(state: LimiterState) -> Iterable[Metric]:
    positions = {str(position): float(position is state.breaker.position) for position in BreakerState}
    yield _gauge(f"{PREFIX}_breaker", "1 at where the breaker stands.", positions, "position")
    yield GaugeMetricFamily(f"{PREFIX}_submissions_in_flight", "Orders that are being made.", state.in_flight)
    if state.running is not None:
        yield GaugeMetricFamily(f"{PREFIX}_jobs_running", "The most jobs that may be running.", state.running)


def _of_working_set(working_set: WorkingSetStats, now: float) -> Iterable[Metric]:
    counts = {str(phase): float(working_set.uploads.get(phase, 0)) for phase in Phase}
    yield _gauge(f"{PREFIX}_in_phase", "Uploads of the working set.", counts, "phase")
    since = {phase: moment.timestamp() for phase, moment in working_set.oldest_since.items()}
    ages = {str(phase): max(0.0, now - since.get(phase, now)) for phase in Phase if phase not in AT_REST}
    yield _gauge(f"{PREFIX}_oldest_seconds", "Age of the oldest upload in a phase.", ages, "phase")
    yield GaugeMetricFamily(f"{PREFIX}_overdue", "Uploads past their deadline that nobody holds.", working_set.overdue)
    uncertain = f"{PREFIX}_submissions_uncertain"
    yield GaugeMetricFamily(uncertain, "Orders of which nobody knows what became.", working_set.uncertain)
    waiting = {channel: float(working_set.deliveries.get(channel, 0)) for channel in CHANNELS}
    yield _gauge(f"{PREFIX}_deliveries_waiting", "Deliveries that are neither made nor given up.", waiting, "way")
    yield GaugeMetricFamily(f"{PREFIX}_paused", "Uploads that a person holds.", working_set.paused)
