"""Files that come in parts: the rules, and lives in which the client vanishes, comes back, or never does."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from controller.rules.steps import (
    AcceptFile,
    CompleteUpload,
    ExtendDeadline,
    Fail,
    RejectFile,
    Snapshot,
    Step,
    Wait,
)
from domain.errors import RefusedError
from domain.failures import FailureCode
from domain.objects import StoredPart
from domain.records import VideoRow
from domain.video import Phase, UploadMode
from tests.support.builders.rows import NO_TIME, NOON, SOURCE, a_problem, a_rejection, a_row, next_step
from tests.support.world.endings import HASTY, assert_playable
from tests.support.world.operator import Process, settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

KEPT = replace(SOURCE, key="originals/v/1")
HOUR = timedelta(hours=1)


def a_part(number: int, file_bytes: int = 10, *, age: timedelta = NO_TIME) -> StoredPart:
    return StoredPart(number, f"e{number}", file_bytes, NOON - age)


def parted(*, waited: timedelta = NO_TIME, deadline_in: timedelta | None = None, **changes: object) -> VideoRow:
    """Return a row whose file of 25 bytes comes in parts of 10."""
    row = a_row(Phase.UPLOADING, waited=waited, **changes)
    if deadline_in is not None:
        row = replace(row, observed=replace(row.observed, deadline_at=NOON + deadline_in))
    desired = replace(row.desired, upload_mode=UploadMode.MULTIPART, declared_bytes=25)
    return replace(row, desired=desired, upload_id="upload-1", part_bytes=10)


ALL = (a_part(1), a_part(2), a_part(3, 5))
OLD_FILE = a_rejection("v1", 0)


@pytest.mark.parametrize(
    ("row", "snapshot", "step"),
    [
        pytest.param(parted(), Snapshot(parts=ALL), CompleteUpload("upload-1", ALL), id="all-there"),
        pytest.param(
            parted(waited=30 * HOUR),
            Snapshot(parts=ALL),
            CompleteUpload("upload-1", ALL),
            id="all-there-at-the-deadline",
        ),
        pytest.param(
            parted(rejected=OLD_FILE, rejections=1),
            Snapshot(parts=ALL, source=a_problem("v1")),
            CompleteUpload("upload-1", ALL),
            id="all-there-after-a-bad-file",
        ),
        pytest.param(parted(), Snapshot(parts=ALL, source=SOURCE), AcceptFile(SOURCE), id="joined-already"),
        pytest.param(parted(), Snapshot(parts=ALL, source=KEPT), AcceptFile(KEPT), id="joined-and-copied-already"),
        pytest.param(
            parted(waited=20 * HOUR),
            Snapshot(parts=(a_part(1, age=HOUR),)),
            ExtendDeadline(NOON + 23 * HOUR),
            id="parts-arrive-and-the-deadline-is-near",
        ),
        pytest.param(
            parted(waited=24 * HOUR),
            Snapshot(parts=(a_part(1, age=HOUR),)),
            ExtendDeadline(NOON + 23 * HOUR),
            id="parts-arrive-and-the-deadline-is-now",
        ),
        pytest.param(
            parted(waited=160 * HOUR, deadline_in=HOUR),
            Snapshot(parts=(a_part(1),)),
            ExtendDeadline(NOON + 8 * HOUR),
            id="never-more-than-a-week",
        ),
    ],
)
def test_complete_parts_are_joined_and_arriving_parts_extend_the_deadline(
    row: VideoRow, snapshot: Snapshot, step: Step
) -> None:
    assert next_step(row, snapshot) == step


@pytest.mark.parametrize(
    ("row", "snapshot"),
    [
        pytest.param(parted(waited=HOUR), Snapshot(parts=(a_part(1),)), id="the-deadline-is-far"),
        pytest.param(parted(), Snapshot(parts=(*ALL[:2], a_part(3, 4))), id="a-part-has-another-size"),
        pytest.param(parted(), Snapshot(parts=()), id="none-yet"),
        pytest.param(parted(), Snapshot(parts=None), id="no-upload"),
        pytest.param(replace(parted(), upload_id=None), Snapshot(parts=None), id="never-opened"),
    ],
)
def test_missing_parts_are_waited_for(row: VideoRow, snapshot: Snapshot) -> None:
    assert isinstance(next_step(row, snapshot), Wait)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(parted(waited=168 * HOUR, deadline_in=NO_TIME), id="after-a-week"),
        pytest.param(parted(waited=60 * HOUR, deadline_in=NO_TIME), id="a-day-after-the-last-part"),
    ],
)
def test_an_upload_without_new_parts_ends_at_its_deadline(row: VideoRow) -> None:
    step = next_step(row, Snapshot(parts=(a_part(1, age=24 * HOUR),)))
    assert isinstance(step, Fail)
    assert step.failure.code is FailureCode.UPLOAD_EXPIRED


def test_a_bad_file_is_reported_before_its_successor_is_read() -> None:
    assert isinstance(next_step(parted(), Snapshot(source=a_problem("v1"))), RejectFile)


class TestLives:
    def test_a_client_that_vanishes_after_its_last_part_gets_its_video(self) -> None:
        world = InMemoryWorld()
        world.create_parted()
        world.send_parts()
        settled(world)
        assert_playable(world)
        assert world.storage.raw[world.row.original_key].body == world.file
        assert world.row.desired.confirmations == 0
        assert not world.multipart.uploads

    def test_a_lost_response_to_complete_is_recognised(self) -> None:
        world = InMemoryWorld()
        world.create_parted()
        world.send_parts()
        world.failpoints.deadly = "CompleteUpload.parts.complete.1:after"
        settled(world)
        assert world.failpoints.deadly is None
        assert_playable(world)

    def test_an_upload_that_never_ends_leaves_no_parts(self) -> None:
        world = InMemoryWorld(timing=HASTY)
        world.create_parted()
        world.send_parts(1)
        settled(world)
        assert world.row.observed.failure is not None
        assert world.row.observed.failure.code is FailureCode.UPLOAD_EXPIRED
        assert not world.multipart.uploads

    def test_at_the_deadline_an_upload_that_is_not_joined_ends(self) -> None:
        world = InMemoryWorld(timing=HASTY)
        world.create_parted()
        world.send_parts()
        world.multipart.trouble_joining = RefusedError("joining the parts: HTTP 400")
        settled(world)
        assert world.row.observed.failure is not None
        assert world.row.observed.failure.code is FailureCode.STORAGE_UNAVAILABLE

    def test_the_deadline_follows_the_parts_for_a_week_and_seldom_moves(self) -> None:
        world = InMemoryWorld()
        world.create_parted(part_bytes=10)
        begun, ends = world.clock.now(), list[datetime | None]()
        process = Process(world)
        process.begin()
        number = 1
        while world.row.observed.phase is Phase.UPLOADING:
            hours = (world.clock.now() - begun) / HOUR
            if hours >= number * 5 and number < 40:
                world.send_parts(number)
                number += 1
            process.step()
            if not ends or ends[-1] != world.row.observed.deadline_at:
                ends.append(world.row.observed.deadline_at)
        assert world.row.observed.phase is Phase.ERRORED
        assert world.row.observed.phase_since >= begun + timedelta(days=7)
        assert world.row.observed.phase_since < begun + timedelta(days=7, minutes=5)
        assert len(ends) < 20
        assert VIDEO_ID in world.records.rows
