"""A run visits every row and every folder, in spite of failures, and at a limited rate."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from controller.audit import runner
from controller.audit.findings import Finding, FindingType, RepairResult, Report, ReportOnly
from controller.audit.limits import AuditRules
from controller.audit.runner import Audit, AuditRun, AuditStoppedError
from domain import object_keys
from domain.errors import RefusedError, UnavailableError
from tests.support.world.auditor import Auditor, copied, entry_of
from tests.support.world.endings import a_ready_world
from tests.support.world.world import PLAYLIST, VIDEO_ID, InMemoryWorld

NAMES = [letter * 26 for letter in "abcdefg"]
AWAY = UnavailableError("reading the stable playlist at the object store: no answer")


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_PAGE", 2)


@pytest.fixture
def world() -> InMemoryWorld:
    """A world of eight videos that lost their stable playlists."""
    world = a_ready_world()
    for name in NAMES:
        copied(world, world.row, name)
    for name in (*NAMES, VIDEO_ID):
        del world.storage.processed[object_keys.stable_playlist_key(name)]
    return world


def rewritten(report: Report) -> list[str]:
    return [entry.finding.target for entry in report.entries if entry.result is RepairResult.APPLIED]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("begin", ["", "a" * 26, "c", "d" * 26, VIDEO_ID, "zzz"])
def test_a_run_visits_every_row_once_wherever_it_begins(world: InMemoryWorld, begin: str) -> None:
    auditor, run = Auditor(world), AuditRun(may_repair=True)
    Audit(auditor.deps, AuditRules(), clock=world.clock.now, begin=lambda: begin).full(run)
    in_order = sorted([*NAMES, VIDEO_ID])
    after = [name for name in in_order if name > begin]
    assert rewritten(run.report) == after + [name for name in in_order if name <= begin]
    assert run.report.checked["videos"] == len(in_order)


@pytest.mark.usefixtures("small_pages")
def test_a_light_run_visits_every_row_of_the_working_set(world: InMemoryWorld) -> None:
    world.records.rows[NAMES[3]] = replace(world.records.rows[NAMES[3]], retired=True)
    assert sorted(rewritten(Auditor(world).light())) == sorted([*NAMES[:3], *NAMES[4:], VIDEO_ID])


def test_runs_begin_at_random_places() -> None:
    world = a_ready_world()
    pages: list[str] = []
    auditor = Auditor(world)
    rows = auditor.deps.rows

    class Listening:
        def __getattr__(self, name: str) -> object:
            return getattr(rows, name)

        def all(self, *, after: str, until: str | None = None, at_most: int) -> list[object]:
            pages.append(after)
            return list(rows.all(after=after, until=until, at_most=at_most))

    audit = Audit(replace(auditor.deps, rows=Listening()), AuditRules(), clock=world.clock.now)  # type: ignore[arg-type]
    for _ in range(5):
        audit.full(AuditRun(may_repair=True))
    assert len(set(pages)) > 5


def test_a_video_that_cannot_be_read_does_not_hide_the_others(
    world: InMemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world, monkeypatch, RefusedError("reading the stable playlist at the object store: HTTP 400"), {NAMES[0]})
    report = Auditor(world).full()
    assert sorted(rewritten(report)) == sorted([*NAMES[1:], VIDEO_ID])
    (unchecked,) = report.unchecked
    assert unchecked.startswith(NAMES[0])
    assert "HTTP 400" in unchecked


def test_a_video_that_raises_an_unexpected_error_does_not_hide_the_others(
    world: InMemoryWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(world, monkeypatch, ValueError("a surprise"), {NAMES[0]})
    report = Auditor(world).full()
    assert sorted(rewritten(report)) == sorted([*NAMES[1:], VIDEO_ID])
    assert report.unchecked == [f"{NAMES[0]}: ValueError"]


def refuse(world: InMemoryWorld, monkeypatch: pytest.MonkeyPatch, error: Exception, names: set[str]) -> None:
    read = world.storage.read_playlist

    def read_playlist(video_id: str, *, is_private: bool = False) -> str | None:
        if video_id in names:
            raise error
        return read(video_id, is_private=is_private)

    monkeypatch.setattr(world.storage, "read_playlist", read_playlist)


@pytest.mark.parametrize("is_light", [True, False], ids=["light", "full"])
def test_a_run_ends_early_while_storage_is_away(world: InMemoryWorld, is_light: bool) -> None:
    world.storage.error = AWAY
    auditor, run = Auditor(world), AuditRun(may_repair=True)
    audit = Audit(auditor.deps, AuditRules(), clock=world.clock.now)
    with pytest.raises(UnavailableError):
        (audit.light if is_light else audit.full)(run)
    assert len(run.report.unchecked) == 5
    assert run.report.checked == {}


def test_scattered_failures_do_not_end_a_run(world: InMemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    well = NAMES[4]
    refuse(world, monkeypatch, AWAY, {*NAMES, VIDEO_ID} - {well})
    run = AuditRun(may_repair=True)
    Audit(Auditor(world).deps, AuditRules(), clock=world.clock.now, begin=lambda: "").full(run)
    assert rewritten(run.report) == [well]
    assert len(run.report.unchecked) == 7


def test_a_repair_that_failed_is_reported(world: InMemoryWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise AWAY

    monkeypatch.setattr(world.storage, "write_playlist", away)
    run = AuditRun(may_repair=True)
    with pytest.raises(UnavailableError):
        Audit(Auditor(world).deps, AuditRules(), clock=world.clock.now).full(run)
    assert {entry.result for entry in run.report.entries} == {RepairResult.FAILED}
    assert not run.report.is_clean()


def test_a_run_pauses_before_every_video_and_page_and_ends_on_stop(world: InMemoryWorld) -> None:
    world.storage.put_processed("processed/lost/a", b"x")
    pauses: list[None] = []
    run = AuditRun(may_repair=True, pause=lambda: pauses.append(None))
    auditor = Auditor(world)
    audit = Audit(auditor.deps, AuditRules(), clock=world.clock.now)
    audit.full(run)
    # Eight videos, a page of each prefix, the page of the lost folder.
    assert len(pauses) == 8 + len(object_keys.VIDEO_PREFIXES) + 1

    def stop_at(number: int) -> Iterator[None]:
        yield from [None] * number
        raise AuditStoppedError

    for number in range(len(pauses)):
        steps = stop_at(number)
        with pytest.raises(AuditStoppedError):
            audit.full(AuditRun(may_repair=True, pause=lambda steps=steps: next(steps)))  # type: ignore[misc]


def test_objects_without_a_row_enter_quarantine_a_bounded_number_at_a_time() -> None:
    world = a_ready_world()
    strays = {f"processed/lost/{number}" for number in range(5)} | {"uploads/lost/original.mp4", "processed/readme"}
    for key in strays:
        store = world.storage.put_raw if key.startswith(object_keys.UPLOADS_PREFIX) else world.storage.put_processed
        store(key, b"x")
    auditor = Auditor(world, AuditRules(quarantined_per_audit=3))
    for expected in (3, 6, 7, 7):
        report = auditor.full()
        assert len(auditor.rows.in_quarantine) == expected
        assert report.found[FindingType.OBJECTS_WITHOUT_ROW] == len(strays)
        world.pass_time(60)
    assert set(auditor.rows.in_quarantine) == strays
    assert report.applied == {}
    assert len({entry.found_at for entry in auditor.rows.in_quarantine.values()}) == 3, "each keeps when it was found"


def test_quarantined_objects_that_are_gone_or_owned_again_are_released() -> None:
    world = a_ready_world()
    auditor = Auditor(world)
    world.storage.put_processed("processed/lost/a", b"x")
    auditor.rows.quarantine({"processed/lost/a": 1, "processed/lost/b": 1, PLAYLIST: 1, "uploads/readme": 1})
    auditor.full()
    assert set(auditor.rows.in_quarantine) == {"processed/lost/a"}


def test_a_report_goes_on_counting_when_its_lines_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.audit.findings._ENTRIES_MAX", 2)
    report = Report()
    for _ in range(5):
        report.add(Finding(FindingType.OVERDUE_ROW, VIDEO_ID, "late", ReportOnly(), 2), RepairResult.REPORT_ONLY)
        report.add_unchecked("a video")
    assert (len(report.entries), len(report.unchecked), report.found[FindingType.OVERDUE_ROW]) == (2, 2, 10)


def test_a_report_is_clean_once_everything_is_repaired() -> None:
    world = a_ready_world()
    del world.storage.processed[PLAYLIST]
    auditor = Auditor(world)
    rehearsed = auditor.full(may_repair=False)
    assert (entry_of(rehearsed, FindingType.PLAYLIST_WRONG).result, rehearsed.is_clean()) == (
        RepairResult.PLANNED,
        False,
    )
    repaired = auditor.full()
    assert (entry_of(repaired, FindingType.PLAYLIST_WRONG).result, repaired.is_clean()) == (RepairResult.APPLIED, True)
