"""Gauges read at scrape time: the queue, the limiter and the newest statistics. Counters are in registry.py."""

from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.coconut.breaker import BreakerState
from controller.coconut.limiter import LimiterState
from controller.loop.fetch_pool import FetchState
from controller.loop.queue import QueueState
from database.stats import WorkingSetStats
from domain.notifications import CHANNELS
from domain.rollouts import RolloutPlan, RolloutState
from domain.video import AT_REST, Phase
from runtime.upstream_breaker import UpstreamHealth

# Value of the label in which controller-runtime and client-go name the controller or its queue.
NAME = "videoupload"
PREFIX = "video_uploads"


class StateCollector(Collector):
    """Exports current state at each scrape. A standby has no queue, and outdated statistics are left out."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """``clock``: the one that rows are written by."""
        self._clock = clock
        self.queue: Callable[[], QueueState] | None = None
        self.limiter: Callable[[], LimiterState] | None = None
        self.storage: Callable[[], UpstreamHealth] | None = None
        self.fetches: Callable[[], FetchState] | None = None
        self.working_set: WorkingSetStats | None = None
        self.rollouts: tuple[RolloutPlan, ...] = ()

    def collect(self) -> Iterable[Metric]:
        """Return the families whose source is available."""
        if self.queue is not None:
            yield from _of_queue(self.queue())
        if self.limiter is not None:
            yield from _of_limiter(self.limiter())
        if self.storage is not None:
            health = self.storage()
            states = {str(each): float(each is health) for each in UpstreamHealth}
            yield _gauge(f"{PREFIX}_storage", "1 for how the last calls to storage ended.", states, "state")
        if self.fetches is not None:
            fetches = self.fetches()
            counts = {"running": float(fetches.running), "waiting": float(fetches.waiting)}
            yield _gauge(
                f"{PREFIX}_source_fetches", "Files that are fetched from URLs, or wait for that.", counts, "state"
            )
        if (working_set := self.working_set) is not None:
            yield from _of_working_set(working_set, self._clock().timestamp())
        yield from _of_rollouts(self.rollouts)


def _gauge(name: str, documentation: str, values: dict[str, float], label: str) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for label_value, value in values.items():
        family.add_metric([label_value], value)
    return family


def _of_queue(state: QueueState) -> Iterable[Metric]:
    running = state.running_seconds
    yield _gauge("workqueue_depth", "Keys that are due and not being processed.", {NAME: state.depth}, "name")
    unfinished = {NAME: sum(running)}
    yield _gauge("workqueue_unfinished_work_seconds", "Total time of all passes in progress.", unfinished, "name")
    longest = {NAME: max(running, default=0.0)}
    yield _gauge("workqueue_longest_running_processor_seconds", "Time of the longest running pass.", longest, "name")
    active = {NAME: float(len(running))}
    yield _gauge("controller_runtime_active_workers", "Workers that are processing a key.", active, "controller")
    yield GaugeMetricFamily(
        f"{PREFIX}_queue_oldest_seconds", "How long the oldest due key has been due.", state.oldest_seconds
    )


def _of_limiter(state: LimiterState) -> Iterable[Metric]:
    states = {str(each): float(each is state.breaker.position) for each in BreakerState}
    yield _gauge(f"{PREFIX}_breaker", "1 for the current state of the circuit breaker.", states, "state")
    yield GaugeMetricFamily(f"{PREFIX}_submissions_in_flight", "Submissions in progress.", state.in_flight)
    if state.running is not None:
        yield GaugeMetricFamily(f"{PREFIX}_waiting_for_capacity", "Uploads in the queue for a place.", state.waiting)
        yield GaugeMetricFamily(f"{PREFIX}_jobs_running", "Upper bound of the jobs that are running.", state.running)
    if state.minutes is not None:
        text = "Billed output of today's submissions, by UTC; an upper bound while jobs run."
        yield GaugeMetricFamily(f"{PREFIX}_day_billed_seconds", text, 60 * state.minutes)
    text = "Configured limit of the billed output of a day; 0 when unset."
    yield GaugeMetricFamily(f"{PREFIX}_day_billed_seconds_limit", text, 60 * state.minutes_per_day)


def _of_working_set(working_set: WorkingSetStats, now: float) -> Iterable[Metric]:
    counts = {str(phase): float(working_set.uploads.get(phase, 0)) for phase in Phase}
    yield _gauge(f"{PREFIX}_in_phase", "Uploads of the working set, by phase.", counts, "phase")
    since = {phase: moment.timestamp() for phase, moment in working_set.oldest_since.items()}
    ages = {str(phase): max(0.0, now - since.get(phase, now)) for phase in Phase if phase not in AT_REST}
    yield _gauge(f"{PREFIX}_oldest_seconds", "How long the oldest upload has been in its phase.", ages, "phase")
    yield GaugeMetricFamily(
        f"{PREFIX}_overdue", "Uploads past their deadline that are not paused.", working_set.overdue
    )
    yield GaugeMetricFamily(
        f"{PREFIX}_submissions_uncertain", "Submissions whose outcome is unknown.", working_set.uncertain
    )
    text = "Uploads that wait because as many jobs run, or were submitted lately, as the installation allows."
    yield GaugeMetricFamily(f"{PREFIX}_without_place", text, working_set.without_place)
    text = "How long the oldest of them has waited, since its file was verified."
    yield GaugeMetricFamily(f"{PREFIX}_without_place_seconds", text, _age(working_set.without_place_since, now))
    waiting = {channel: float(working_set.deliveries.get(channel, 0)) for channel in CHANNELS}
    yield _gauge(f"{PREFIX}_deliveries_waiting", "Deliveries that are pending.", waiting, "channel")
    ages = {channel: _age(working_set.deliveries_since.get(channel), now) for channel in CHANNELS}
    yield _gauge(f"{PREFIX}_deliveries_waiting_seconds", "Age of the oldest pending delivery.", ages, "channel")
    text = "Notifications and deliveries that should have been sent by now."
    yield GaugeMetricFamily(f"{PREFIX}_outbox_overdue", text, working_set.outbox)
    text = "For how long the oldest of them should have been sent."
    yield GaugeMetricFamily(f"{PREFIX}_outbox_overdue_seconds", text, _age(working_set.outbox_since, now))
    errored = {file: float(working_set.errored.get(file, 0)) for file in ("kept", "removed")}
    yield _gauge(f"{PREFIX}_errored_uploads", "Failed uploads that are not deleted, by their file.", errored, "file")
    yield GaugeMetricFamily(f"{PREFIX}_paused", "Uploads that are paused.", working_set.paused)


def _of_rollouts(plans: Iterable[RolloutPlan]) -> Iterable[Metric]:
    text = "Videos of each profile's current plan; outdated as last counted."
    videos = GaugeMetricFamily(f"{PREFIX}_rollout_videos", text, labels=["profile", "state"])
    text = "Cost of the videos that a plan has made anew."
    spent = GaugeMetricFamily(f"{PREFIX}_rollout_spent_dollars", text, labels=["profile"])
    text = "1 while failures have stopped a plan."
    stopped = GaugeMetricFamily(f"{PREFIX}_rollout_stopped", text, labels=["profile"])
    for plan in plans:
        counts = {"outdated": plan.outdated or 0, "running": plan.running, "done": plan.done, "failed": plan.failed}
        for state, count in counts.items():
            videos.add_metric([plan.profile, state], count)
        spent.add_metric([plan.profile], plan.spent_dollars)
        stopped.add_metric([plan.profile], float(plan.state is RolloutState.FAILURE_RATE_EXCEEDED))
    return videos, spent, stopped


def _age(since: datetime | None, now: float) -> float:
    return 0.0 if since is None else max(0.0, now - since.timestamp())
