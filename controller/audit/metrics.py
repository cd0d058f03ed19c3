"""The audit's Prometheus metrics. All labels are closed sets."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from controller.audit.findings import FindingType, Report
from runtime.clock import own_time

_PREFIX = "video_uploads_audit"
FULL, LIGHT = "full", "light"
SUCCESS, ERROR, PANIC = "success", "error", "panic"


class AuditMetrics:
    """The audit's metrics, in the registry that the operator serves at /metrics."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], datetime] = own_time) -> None:
        self._clock = clock
        self._findings = Gauge(
            f"{_PREFIX}_findings", "Findings of the last full run, repaired or not.", ["finding"], registry=registry
        )
        self._repaired = Counter(f"{_PREFIX}_repaired", "Findings that were repaired.", ["finding"], registry=registry)
        self._runs = Counter(f"{_PREFIX}_runs", "Audit runs, by result.", ["mode", "result"], registry=registry)
        self._unchecked = Gauge(f"{_PREFIX}_unchecked", "What the last full run could not check.", registry=registry)
        self._succeeded = Gauge(
            f"{_PREFIX}_last_success_timestamp_seconds", "When the last run completed.", ["mode"], registry=registry
        )
        for kind in FindingType:  # export 0 for a kind without findings
            self._findings.labels(kind)
            self._repaired.labels(kind)
        for mode in (FULL, LIGHT):
            for result in (SUCCESS, ERROR, PANIC):
                self._runs.labels(mode, result)

    def run_ended(self, mode: str, report: Report, *, result: str) -> None:
        """Count a run. ``result``: ERROR when an upstream was unavailable, PANIC after an unexpected exception."""
        self._runs.labels(mode, result).inc()
        for kind, count in report.applied.items():
            self._repaired.labels(kind).inc(count)
        if result != SUCCESS:
            return
        self._succeeded.labels(mode).set(self._clock().timestamp())
        if mode == FULL:
            self._unchecked.set(len(report.unchecked))
            for kind in FindingType:
                self._findings.labels(kind).set(report.found[kind])
