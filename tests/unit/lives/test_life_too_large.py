"""Files above the size limit: refused like other bad files, and removed when their upload has failed."""

import pytest

from domain.failures import FailureCode
from tests.support.fakes.resources import NAMESPACE
from tests.support.fakes.videos import mp4
from tests.support.world.endings import HASTY, assert_ends_errored
from tests.support.world.operator import Process, settled
from tests.support.world.world import MAX_FILE_BYTES, VIDEO_ID, InMemoryWorld

TOO_LARGE = mp4(media_bytes=MAX_FILE_BYTES)
JUST_FITS = mp4(media_bytes=MAX_FILE_BYTES - len(mp4(media_bytes=0)))


@pytest.fixture
def world() -> InMemoryWorld:
    world = InMemoryWorld(timing=HASTY)
    world.create()
    world.pass_time(HASTY.uploading_first_check_seconds)  # an upload that was just created is not looked at
    return world


def send(world: InMemoryWorld, body: bytes) -> None:
    """Send a file and let the operator look at it once."""
    world.send_file(body)
    process = Process(world)
    process.begin()
    process.step()


def key(world: InMemoryWorld) -> str:
    return world.row.desired.storage_key


def test_a_file_of_exactly_the_limit_is_accepted(world: InMemoryWorld) -> None:
    assert len(JUST_FITS) == MAX_FILE_BYTES
    send(world, JUST_FITS)
    settled(world)
    assert world.row.observed.source is not None


def test_the_first_file_too_large_is_refused_and_another_may_follow(world: InMemoryWorld) -> None:
    send(world, TOO_LARGE)
    assert world.row.observed.rejected is not None
    assert world.row.observed.rejected.code == FailureCode.FILE_TOO_LARGE

    send(world, JUST_FITS)
    settled(world)
    assert world.row.observed.source is not None


def test_the_second_file_too_large_fails_the_upload_and_is_removed(world: InMemoryWorld) -> None:
    send(world, TOO_LARGE)
    assert key(world) in world.storage.raw
    send(world, TOO_LARGE + b"\x00")
    assert world.clock.monotonic() < HASTY.uploading_deadline_seconds

    assert_ends_errored(world, FailureCode.FILE_TOO_LARGE, jobs=0)
    assert key(world) not in world.storage.raw


def test_a_file_too_large_without_a_successor_is_removed_at_the_deadline(world: InMemoryWorld) -> None:
    world.send_file(TOO_LARGE)
    settled(world)

    assert_ends_errored(world, FailureCode.FILE_TOO_LARGE, jobs=0)
    assert key(world) not in world.storage.raw


def test_an_upload_ends_even_if_its_file_cannot_be_removed(world: InMemoryWorld) -> None:
    world.send_file(TOO_LARGE)
    world.storage.keeps_originals = True
    settled(world)

    assert_ends_errored(world, FailureCode.FILE_TOO_LARGE, jobs=0)
    assert key(world) in world.storage.raw


def test_a_file_that_is_no_video_is_kept_for_diagnosis(world: InMemoryWorld) -> None:
    world.send_file(b"this is a text")
    settled(world)

    assert_ends_errored(world, FailureCode.NOT_A_VIDEO, jobs=0)
    assert key(world) in world.storage.raw


def test_the_file_of_an_import_is_never_removed() -> None:
    world = InMemoryWorld(timing=HASTY)
    world.resources.put(VIDEO_ID, storage_key=f"imports/{NAMESPACE}/launch.mov")
    world.storage.put_raw(f"imports/{NAMESPACE}/launch.mov", TOO_LARGE)
    settled(world)

    assert_ends_errored(world, FailureCode.FILE_TOO_LARGE, jobs=0)
    assert key(world) in world.storage.raw
