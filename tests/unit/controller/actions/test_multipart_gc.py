"""Open uploads that nobody will finish are given up, and no other."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.actions.multipart_gc import AbandonedUploads
from domain import object_keys
from domain.errors import UnavailableError
from tests.support.world.operator import settled
from tests.support.world.world import VIDEO_ID, SmallWorld

HOURS, DAYS = 3600, 86_400


@pytest.fixture
def small() -> SmallWorld:
    small = SmallWorld()
    small.create_parted()
    return small


def given_up(small: SmallWorld, *, after_seconds: float) -> int:
    small.clock.advance(after_seconds)
    return AbandonedUploads(small.world, clock=small.clock.now).abort_abandoned()


def test_an_upload_that_is_waited_for_stays(small: SmallWorld) -> None:
    assert given_up(small, after_seconds=6 * DAYS) == 0
    assert len(small.multipart.uploads) == 1


def test_one_that_a_crash_left_before_it_was_on_record_is_given_up(small: SmallWorld) -> None:
    left = small.multipart.create(small.row.desired.storage_key, content_type="video/mp4")
    assert given_up(small, after_seconds=HOURS / 2) == 0
    assert given_up(small, after_seconds=HOURS) == 1
    assert left not in small.multipart.uploads
    assert len(small.multipart.uploads) == 1


def test_one_of_a_deleted_video_is_given_up(small: SmallWorld) -> None:
    small.records.delete(VIDEO_ID)
    assert given_up(small, after_seconds=2 * HOURS) == 1
    assert not small.multipart.uploads


def test_one_that_came_after_the_file_is_given_up(small: SmallWorld) -> None:
    small.send_parts()
    settled(small)
    late = small.multipart.create(small.row.desired.storage_key, content_type="video/mp4")
    small.records.rows[VIDEO_ID] = replace(small.row, upload_id=late)
    assert given_up(small, after_seconds=2 * HOURS) == 1


def test_one_without_a_row_stays_as_long_as_a_backup_might_bring_the_row_back(small: SmallWorld) -> None:
    small.multipart.create(object_keys.original_key("gone", "a.mp4"), content_type="video/mp4")
    assert given_up(small, after_seconds=7 * DAYS) == 0
    assert given_up(small, after_seconds=2 * DAYS) == 1


def test_while_storage_is_away_it_is_put_off(small: SmallWorld) -> None:
    small.storage.trouble = UnavailableError("listing the multipart uploads: no answer")
    with pytest.raises(UnavailableError):
        given_up(small, after_seconds=timedelta(days=9).total_seconds())
