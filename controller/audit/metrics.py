"""What Prometheus can ask about the audit. The labels are closed sets."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge

from controller.audit.findings import FindingType, Report

_PREFIX = "video_uploads_operator_audit"
FULL, LIGHT = "full", "light"


class AuditMetrics:
    """The audit's numbers, in the registry that the operator's /metrics serves."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._found = Gauge(
            f"{_PREFIX}_found", "What the last whole turn found, put right or not.", ["kind"], registry=registry
        )
        self._repaired = Counter(f"{_PREFIX}_repaired", "What was put right.", ["kind"], registry=registry)
        self._turns = Counter(f"{_PREFIX}_turns", "Turns by how they ended.", ["turn", "result"], registry=registry)
        self._unseen = Gauge(f"{_PREFIX}_unseen", "What the last whole turn could not look at.", registry=registry)
        self._ended = Gauge(
            f"{_PREFIX}_last_end_timestamp_seconds",
            "When the last turn ended that looked at everything.",
            ["turn"],
            registry=registry,
        )
        for kind in FindingType:  # a kind never found is 0, not absent
            self._found.labels(kind=kind)
            self._repaired.labels(kind=kind)
        for turn in (FULL, LIGHT):
            for result in ("done", "put_off", "broke"):
                self._turns.labels(turn=turn, result=result)

    def note(self, turn: str, report: Report, *, result: str) -> None:
        """Take in a turn that ended: ``result`` is `done`, `put_off` or `broke`."""
        self._turns.labels(turn=turn, result=result).inc()
        for kind, count in report.done.items():
            self._repaired.labels(kind=kind).inc(count)
        if result != "done":
            return
        self._ended.labels(turn=turn).set(time.time())
        if turn == FULL:
            self._unseen.set(len(report.unchecked))
            for kind in FindingType:
                self._found.labels(kind=kind).set(report.found[kind])
