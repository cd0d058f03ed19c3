"""What is done about objects that belong to no video: the rulebook of the quarantine."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.audit.checks import check_orphans, check_quarantined, check_returned, folder_of
from controller.audit.findings import (
    FindingType,
    Quarantine,
    Release,
    RemoveObjects,
    ReportOnly,
)
from controller.audit.limits import AuditRules
from domain.audit_records import QuarantinedObject
from domain.objects import StoredFile
from tests.support.builders.rows import NOON

RULES = AuditRules()
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
MOMENT = timedelta(seconds=1)

FOLDER = "processed/lost/"
A, B, C = (StoredFile(f"{FOLDER}{name}", size, NOON) for name, size in (("a", 1), ("b", 2), ("c", 3)))


@pytest.mark.parametrize(
    ("listed", "quota", "found"),
    [
        pytest.param(set(), 3, [(3, Quarantine({A.key: 1, B.key: 2, C.key: 3}))], id="all-are-new"),
        pytest.param({A.key}, 2, [(1, ReportOnly()), (2, Quarantine({B.key: 2, C.key: 3}))], id="one-is-known"),
        pytest.param(set(), 1, [(1, Quarantine({A.key: 1})), (2, ReportOnly())], id="room-for-one"),
        pytest.param({A.key}, 0, [(1, ReportOnly()), (2, ReportOnly())], id="no-room"),
        pytest.param({A.key, B.key, C.key}, 0, [(3, ReportOnly())], id="all-are-known"),
    ],
)
def test_objects_without_a_row_are_quarantined_or_removed(
    listed: set[str], quota: int, found: list[tuple[int, object]]
) -> None:
    findings = check_orphans(FOLDER, [A, B, C], listed, quota=quota)
    assert [(finding.count, finding.remedy) for finding in findings] == found
    assert {finding.kind for finding in findings} == {FindingType.OBJECTS_WITHOUT_ROW}


def test_an_empty_page_yields_no_finding() -> None:
    assert check_orphans(FOLDER, [], set(), quota=9) == []


def in_quarantine(file: StoredFile, since: timedelta) -> QuarantinedObject:
    return QuarantinedObject(file.key, file.file_bytes, NOON - since)


@pytest.mark.parametrize("may_purge", [False, True], ids=["kept", "purged"])
@pytest.mark.parametrize(
    ("entry", "written", "is_due"),
    [
        pytest.param(in_quarantine(A, WEEK), WEEK, True, id="a-week"),
        pytest.param(in_quarantine(A, WEEK - MOMENT), 9 * WEEK, False, id="not-long-enough"),
        pytest.param(in_quarantine(A, 9 * WEEK), WEEK - MOMENT, False, id="written-again-since"),
    ],
)
def test_a_quarantined_object_is_removed_only_on_request_and_after_a_week(
    may_purge: bool, entry: QuarantinedObject, written: timedelta, is_due: bool
) -> None:
    present = {A.key: replace(A, last_modified=NOON - written)}
    found = check_quarantined(FOLDER, [entry], present, RULES, NOON, may_purge=may_purge)
    remedy = RemoveObjects([A.key]) if may_purge else ReportOnly()
    assert [(f.kind, f.remedy) for f in found] == ([(FindingType.QUARANTINE_DUE, remedy)] if is_due else [])


def test_an_object_that_is_gone_or_owned_again_is_released() -> None:
    entries = [in_quarantine(A, 9 * WEEK), in_quarantine(B, MOMENT)]
    (gone,) = check_quarantined(FOLDER, entries, {B.key: B}, RULES, NOON, may_purge=True)
    assert (gone.kind, gone.remedy, gone.count) == (FindingType.QUARANTINE_OUTDATED, Release([A.key]), 1)
    back = check_returned(FOLDER, entries)
    assert (back.kind, back.remedy, back.count) == (FindingType.QUARANTINE_OUTDATED, Release([A.key, B.key]), 2)


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        ("processed/v1/1/hls/master.m3u8", "processed/v1/"),
        ("uploads/v1/original.mp4", "uploads/v1/"),
        ("uploads/readme.txt", "uploads/readme.txt"),
    ],
)
def test_a_key_belongs_to_the_video_of_its_folder(key: str, folder: str) -> None:
    assert folder_of(key) == folder
