"""The schedule of the operator's audit, and its metrics."""

import threading
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from controller.audit.findings import Finding, FindingType, RepairResult, Report, ReportOnly, RequestEdition
from controller.audit.limits import AuditSchedule
from controller.audit.metrics import ERROR, FULL, LIGHT, PANIC, SUCCESS, AuditMetrics
from controller.audit.runner import AuditRun, AuditStoppedError
from controller.audit.scheduler import AuditJob, audit_until, paced
from domain.errors import UnavailableError
from tests.support.world.auditor import Auditor
from tests.support.world.endings import a_ready_world
from tests.support.world.world import PLAYLIST, VIDEO_ID

BROKEN = Finding(FindingType.OUTPUTS_BROKEN, VIDEO_ID, "a file is missing", RequestEdition())
LATE = Finding(FindingType.OVERDUE_ROW, VIDEO_ID, "it is late", ReportOnly())


class Waits(threading.Event):
    """A stop event that records each timeout and is set after ``number`` waits. No time passes."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.waited: list[float | None] = []
        self._number = number

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        return len(self.waited) > self._number


def run(
    audit: Callable[[AuditRun], None], *, waits: int, name: str = FULL
) -> tuple[list[float | None], CollectorRegistry]:
    registry = CollectorRegistry()
    stop = Waits(waits)
    audit_until(stop, AuditJob(name, audit, 6, 60, 30, per_second=4), AuditMetrics(registry))
    return stop.waited, registry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"video_uploads_audit_{name}", labels)


def test_runs_follow_each_other_until_the_process_ends() -> None:
    waited, registry = run(lambda _: None, waits=3)
    assert waited == [6, 60, 60, 60]
    assert value(registry, "runs_total", mode=FULL, result=SUCCESS) == 3


def test_a_stopped_run_ends_the_thread_and_is_not_counted() -> None:
    runs = []

    def stopped(run: AuditRun) -> None:
        runs.append(run)
        run.pause()
        run.pause()
        raise AssertionError

    waited, registry = run(stopped, waits=2)
    assert waited == [6, 0.25, 0.25]
    assert value(registry, "runs_total", mode=FULL, result=SUCCESS) == 0


def test_a_run_that_an_upstream_cut_short_is_retried_sooner() -> None:
    def away(run: AuditRun) -> None:
        run.report.add(BROKEN, RepairResult.APPLIED)
        raise UnavailableError("no answer")

    waited, registry = run(away, waits=2)
    assert waited == [6, 30, 30]
    assert value(registry, "runs_total", mode=FULL, result=ERROR) == 2
    assert value(registry, "repaired_total", finding=FindingType.OUTPUTS_BROKEN) == 2
    assert value(registry, "findings", finding=FindingType.OUTPUTS_BROKEN) == 0, "only a completed full run sets it"


def test_after_an_unexpected_error_the_next_run_starts_on_schedule() -> None:
    def broken(_: AuditRun) -> None:
        raise ValueError

    waited, registry = run(broken, waits=2)
    assert waited == [6, 60, 60]
    assert value(registry, "runs_total", mode=FULL, result=PANIC) == 2


def test_metrics_show_the_findings_of_the_last_full_run() -> None:
    reports = [
        [(BROKEN, RepairResult.APPLIED), (LATE, RepairResult.REPORT_ONLY), (LATE, RepairResult.REPORT_ONLY)],
        [(LATE, RepairResult.REPORT_ONLY)],
    ]
    shown: list[float | None] = []
    registry = CollectorRegistry()
    metrics = AuditMetrics(registry)
    for entries in reports:
        report = Report()
        for finding, result in entries:
            report.add(finding, result)
        metrics.run_ended(FULL, report, result=SUCCESS)
        metrics.run_ended(LIGHT, Report(), result=SUCCESS)
        shown += [
            value(registry, "findings", finding=kind) for kind in (FindingType.OUTPUTS_BROKEN, FindingType.OVERDUE_ROW)
        ]
    assert shown == [1, 2, 0, 1]
    assert value(registry, "repaired_total", finding=FindingType.OUTPUTS_BROKEN) == 1
    assert (value(registry, "last_success_timestamp_seconds", mode=FULL) or 0) > 0


def test_every_kind_is_exported_before_it_was_ever_found() -> None:
    registry = CollectorRegistry()
    AuditMetrics(registry)
    assert [value(registry, "findings", finding=kind) for kind in FindingType] == [0] * len(FindingType)


def test_a_pause_ends_with_the_process() -> None:
    stop = threading.Event()
    paced(stop, 1e9)()
    stop.set()
    with pytest.raises(AuditStoppedError):
        paced(stop, 1e-9)()


def test_playlists_are_checked_faster_and_a_new_leader_starts_soon() -> None:
    schedule = AuditSchedule(light_seconds=300, full_seconds=21_600, videos_per_second=5)
    assert (schedule.first_full_seconds, schedule.playlists_per_second) == (2_160, 50)


def test_a_scheduled_run_repairs_and_is_counted() -> None:
    world = a_ready_world()
    playlist = world.storage.processed.pop(PLAYLIST)
    auditor = Auditor(world)
    # Two waits: before the run, and before its only video.
    _, registry = run(auditor.audit.light, waits=2, name=LIGHT)
    assert world.storage.processed[PLAYLIST].body == playlist.body
    assert value(registry, "repaired_total", finding=FindingType.PLAYLIST_WRONG) == 1
