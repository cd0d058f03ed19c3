"""The registries of both processes with each metric used once: the client exports no labels before that."""

from datetime import UTC, datetime

from prometheus_client import CollectorRegistry

from controller.audit.findings import Report
from controller.audit.metrics import FULL, SUCCESS, AuditMetrics
from controller.coconut.breaker import BreakerSnapshot, BreakerState
from controller.coconut.limiter import LimiterState
from controller.loop.fetch_pool import FetchState
from controller.loop.pass_result import PassResult
from controller.loop.queue import QueueState
from controller.metrics.commits import CommitMetrics, PhaseDuration
from controller.metrics.registry import OperatorMetrics
from database.stats import WorkingSetStats
from domain.rollouts import RolloutPlan, RolloutSpec, RolloutState
from domain.spending import Prices
from domain.video import Phase
from runtime.clock import Clocks
from runtime.clock_metrics import ClockSkewCollector, ClockSkewGauges
from runtime.heartbeat_metrics import HeartbeatCollector, HeartbeatGauges
from runtime.heartbeats import Heartbeat, Heartbeats
from runtime.upstream_breaker import UpstreamHealth
from webapi.metrics import ApiMetrics
from webapi.waits import Waits


def one_part() -> Heartbeats:
    """Return the heartbeats of a process with one part."""
    beats = Heartbeats()
    beats.begin(Heartbeat("part", at_most_seconds=1, monotonic=lambda: 0.0))
    return beats


def measured_clocks() -> Clocks:
    """Return clocks that were measured."""
    clocks = Clocks.make()
    for clock in clocks.by_name().values():
        clock.measured(datetime(2026, 3, 1, tzinfo=UTC), began=0.0)
    return clocks


def operator_registry() -> CollectorRegistry:
    """Return the metrics of a leading operator."""
    metrics = OperatorMetrics(workers=2, prices=Prices(hd=1, sd=1, uhd=1))
    metrics.state.queue = lambda: QueueState(0, 0.0, ())
    metrics.state.fetches = lambda: FetchState(running=0, waiting=0)
    metrics.state.storage = lambda: UpstreamHealth.AVAILABLE
    metrics.state.limiter = lambda: LimiterState(BreakerSnapshot(BreakerState.CLOSED), 0, running=0, minutes=0)
    metrics.state.working_set = WorkingSetStats({}, {}, overdue=0, uncertain=0, paused=0)
    metrics.state.rollouts = (
        RolloutPlan(1, "small", "0" * 16, RolloutSpec(), RolloutState.IN_PROGRESS, is_approved=True),
    )
    metrics.coconut_request("start", 201, 0.1)
    metrics.kubernetes_request("GET", 200, 0.01)
    metrics.task_ended("resync", 0)
    metrics.pass_ended(PassResult.PANIC, 0.1)
    metrics.committed(CommitMetrics(stay=PhaseDuration(Phase.UPLOADING, 1.0)))
    AuditMetrics(metrics.registry).run_ended(FULL, Report(), result=SUCCESS)
    metrics.registry.register(HeartbeatCollector(one_part()))
    metrics.registry.register(ClockSkewCollector(measured_clocks().by_name()))
    return metrics.registry


def api_registry() -> CollectorRegistry:
    """Return the metrics of the API."""
    metrics = ApiMetrics()
    metrics.request_seconds.labels("GET", "/livez", 200)
    metrics.published.labels("applied")
    metrics.expect_operators(["fra1"])
    Waits(metrics, at_most=0, per_owner=1)
    HeartbeatGauges(one_part(), metrics.registry).sample()
    ClockSkewGauges(measured_clocks().by_name(), metrics.registry).sample()
    return metrics.registry
