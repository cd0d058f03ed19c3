"""Abandoned multipart uploads are aborted, and no others."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.actions.multipart_gc import AbandonedUploads
from domain import object_keys
from domain.errors import UnavailableError
from tests.support.world.operator import settled
from tests.support.world.world import VIDEO_ID, InMemoryWorld

HOURS, DAYS = 3600, 86_400


@pytest.fixture
def world() -> InMemoryWorld:
    world = InMemoryWorld()
    world.create_parted()
    return world


def given_up(world: InMemoryWorld, *, after_seconds: float) -> int:
    world.clock.advance(after_seconds)
    return AbandonedUploads(world.deps, clock=world.clock.now).abort_abandoned()


def test_an_upload_in_use_is_kept(world: InMemoryWorld) -> None:
    assert given_up(world, after_seconds=6 * DAYS) == 0
    assert len(world.multipart.uploads) == 1


def test_an_upload_that_a_crash_left_unrecorded_is_aborted(world: InMemoryWorld) -> None:
    left = world.multipart.create(world.row.desired.storage_key, content_type="video/mp4")
    assert given_up(world, after_seconds=HOURS / 2) == 0
    assert given_up(world, after_seconds=HOURS) == 1
    assert left not in world.multipart.uploads
    assert len(world.multipart.uploads) == 1


def test_an_upload_of_a_deleted_video_is_aborted(world: InMemoryWorld) -> None:
    world.records.delete(VIDEO_ID)
    assert given_up(world, after_seconds=2 * HOURS) == 1
    assert not world.multipart.uploads


def test_an_upload_opened_after_the_file_arrived_is_aborted(world: InMemoryWorld) -> None:
    world.send_parts()
    settled(world)
    late = world.multipart.create(world.row.desired.storage_key, content_type="video/mp4")
    world.records.rows[VIDEO_ID] = replace(world.row, upload_id=late)
    assert given_up(world, after_seconds=2 * HOURS) == 1


def test_an_upload_without_a_row_is_kept_while_a_backup_may_restore_the_row(world: InMemoryWorld) -> None:
    world.multipart.create(object_keys.original_key("gone", "a.mp4"), content_type="video/mp4")
    assert given_up(world, after_seconds=7 * DAYS) == 0
    assert given_up(world, after_seconds=2 * DAYS) == 1


def test_nothing_is_aborted_while_storage_is_away(world: InMemoryWorld) -> None:
    world.storage.error = UnavailableError("listing the multipart uploads: no answer")
    with pytest.raises(UnavailableError):
        given_up(world, after_seconds=timedelta(days=9).total_seconds())
