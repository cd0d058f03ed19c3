"""When the operator audits, and what its metrics say."""

import threading
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from controller.audit.findings import Finding, FindingType, RepairResult, Report, ReportOnly, Retranscode
from controller.audit.limits import AuditSchedule
from controller.audit.metrics import FULL, LIGHT, AuditMetrics
from controller.audit.runner import AuditRun, AuditStoppedError
from controller.audit.scheduler import AuditJob, paced, turn_until
from domain.errors import UnavailableError
from tests.support.world.auditor import Auditor
from tests.support.world.world import VIDEO_ID
from tests.unit.lives.test_audited_lives import PLAYLIST, a_ready_world

BROKEN = Finding(FindingType.OUTPUTS_BROKEN, VIDEO_ID, "a file is missing", Retranscode())
LATE = Finding(FindingType.OVERDUE_ROW, VIDEO_ID, "it is late", ReportOnly())


class Waits(threading.Event):
    """A stop event that keeps how long somebody waited, and is set after so many waits. No time passes."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.waited: list[float | None] = []
        self._number = number

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        return len(self.waited) > self._number


def run(
    turn: Callable[[AuditRun], None], *, waits: int, name: str = FULL
) -> tuple[list[float | None], CollectorRegistry]:
    registry = CollectorRegistry()
    stop = Waits(waits)
    turn_until(stop, AuditJob(name, turn, 6, 60, 30, per_second=4), AuditMetrics(registry))
    return stop.waited, registry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"video_uploads_operator_audit_{name}", labels)


def test_turns_follow_each_other_until_the_process_ends() -> None:
    waited, registry = run(lambda _: None, waits=3)
    assert waited == [6, 60, 60, 60]
    assert value(registry, "turns_total", turn=FULL, result="done") == 3


def test_a_turn_that_is_stopped_ends_the_thread_and_counts_as_nothing() -> None:
    turns = []

    def stopped(turn: AuditRun) -> None:
        turns.append(turn)
        turn.pause()
        turn.pause()
        raise AssertionError

    waited, registry = run(stopped, waits=2)
    assert waited == [6, 0.25, 0.25]
    assert value(registry, "turns_total", turn=FULL, result="done") == 0


def test_a_turn_that_is_put_off_comes_again_sooner() -> None:
    def away(turn: AuditRun) -> None:
        turn.report.add(BROKEN, RepairResult.DONE)
        raise UnavailableError("no answer")

    waited, registry = run(away, waits=2)
    assert waited == [6, 30, 30]
    assert value(registry, "turns_total", turn=FULL, result="put_off") == 2
    assert value(registry, "repaired_total", kind=FindingType.OUTPUTS_BROKEN) == 2
    assert value(registry, "found", kind=FindingType.OUTPUTS_BROKEN) == 0, "only a whole turn knows"


def test_a_turn_that_breaks_is_not_the_last() -> None:
    def broken(_: AuditRun) -> None:
        raise ValueError

    waited, registry = run(broken, waits=2)
    assert waited == [6, 60, 60]
    assert value(registry, "turns_total", turn=FULL, result="broke") == 2


def test_metrics_show_what_the_last_whole_turn_found() -> None:
    reports = [
        [(BROKEN, RepairResult.DONE), (LATE, RepairResult.LEFT), (LATE, RepairResult.LEFT)],
        [(LATE, RepairResult.LEFT)],
    ]
    shown: list[float | None] = []
    registry = CollectorRegistry()
    metrics = AuditMetrics(registry)
    for entries in reports:
        report = Report()
        for finding, result in entries:
            report.add(finding, result)
        metrics.note(FULL, report, result="done")
        metrics.note(LIGHT, Report(), result="done")
        shown += [value(registry, "found", kind=kind) for kind in (FindingType.OUTPUTS_BROKEN, FindingType.OVERDUE_ROW)]
    assert shown == [1, 2, 0, 1]
    assert value(registry, "repaired_total", kind=FindingType.OUTPUTS_BROKEN) == 1
    assert (value(registry, "last_end_timestamp_seconds", turn=FULL) or 0) > 0


def test_every_kind_is_shown_before_it_was_ever_found() -> None:
    registry = CollectorRegistry()
    AuditMetrics(registry)
    assert [value(registry, "found", kind=kind) for kind in FindingType] == [0] * len(FindingType)


def test_the_pace_is_a_pause_that_ends_with_the_process() -> None:
    stop = threading.Event()
    paced(stop, 1e9)()
    stop.set()
    with pytest.raises(AuditStoppedError):
        paced(stop, 1e-9)()


def test_playlists_alone_are_compared_faster_and_a_new_leader_looks_soon() -> None:
    schedule = AuditSchedule(light_seconds=300, full_seconds=21_600, videos_per_second=5)
    assert (schedule.first_full_seconds, schedule.playlists_per_second) == (2_160, 50)


def test_one_turn_of_the_operator_repairs_and_is_counted() -> None:
    small = a_ready_world()
    playlist = small.storage.processed.pop(PLAYLIST)
    auditor = Auditor(small)
    # Two waits: the one before the turn, and the one before its only video.
    _, registry = run(auditor.audit.light, waits=2, name=LIGHT)
    assert small.storage.processed[PLAYLIST].body == playlist.body
    assert value(registry, "repaired_total", kind=FindingType.PLAYLIST_WRONG) == 1
