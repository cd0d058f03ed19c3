"""Creating a video: idempotency keys, the rest of the hourly limit, metadata."""

from dataclasses import replace

import pytest

from database.creation import LimitReachedError
from database.idempotency_keys import KeyInUseError, KeyReusedError
from database.queries import Selection
from tests.integration.database.rows import KEY, OTHER_VIDEO, THIRD_VIDEO, Rows
from tests.support.builders.videos import VIDEO, a_new_video


def test_the_remaining_uploads_of_the_hour_are_counted_for_each_owner(rows: Rows) -> None:
    first = rows.commands.create(a_new_video(), per_hour=10).quota
    rows.commands.delete(VIDEO)
    second = rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=2).quota
    others = rows.commands.create(a_new_video(THIRD_VIDEO, owner="bob"), per_hour=10).quota

    assert (first.per_hour, first.remaining) == (10, 9)
    assert (second.per_hour, second.remaining) == (2, 0)
    assert (others.per_hour, others.remaining) == (10, 9)
    assert all(3500 < left.more_in_seconds <= 3600 for left in (first, second, others))


def test_client_metadata_is_in_the_row_but_not_in_the_desired_state(rows: Rows) -> None:
    metadata = {"album": "Cats", "\u65e5\u672c": "", "json": '{"a": "\\"}'}
    row = rows.commands.create(a_new_video(metadata=metadata), per_hour=10).row

    assert row.metadata == rows.row().metadata == metadata
    assert rows.queries.of_owner(Selection("ann"), after=None, at_most=1).rows == (row,)
    assert not hasattr(row.desired, "metadata")


def test_a_repeated_key_makes_one_video_and_does_not_count_against_the_limit(rows: Rows) -> None:
    first = rows.commands.create(a_new_video(), per_hour=1, key=KEY)
    confirmed = rows.commands.confirm(VIDEO)

    again = rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=1, key=KEY)

    assert first.row.desired.video_id == VIDEO
    assert again.row == confirmed
    assert rows.queries.get(OTHER_VIDEO) is None
    assert first.quota.remaining == again.quota.remaining == 0


def test_a_key_with_another_request_is_refused(rows: Rows) -> None:
    rows.commands.create(a_new_video(), per_hour=10, key=KEY)
    with pytest.raises(KeyReusedError):
        rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=10, key=replace(KEY, fingerprint="b" * 64))

    assert rows.queries.get(OTHER_VIDEO) is None


def test_a_key_belongs_to_one_owner(rows: Rows) -> None:
    rows.commands.create(a_new_video(), per_hour=10, key=KEY)
    other = rows.commands.create(a_new_video(OTHER_VIDEO, owner="bob"), per_hour=10, key=KEY).row

    assert other.desired.video_id == OTHER_VIDEO


def test_a_key_whose_request_is_still_running_is_in_use_for_its_owner_only(rows: Rows) -> None:
    with rows.hold_key(KEY.text):
        with pytest.raises(KeyInUseError):
            rows.commands.create(a_new_video(), per_hour=10, key=KEY)
        rows.commands.create(a_new_video(OTHER_VIDEO, owner="bob"), per_hour=10, key=KEY)
    # The request that held it ended without a result.
    assert rows.commands.create(a_new_video(), per_hour=10, key=KEY).row.desired.video_id == VIDEO


def test_a_key_whose_request_failed_can_be_reused_for_any_request(rows: Rows) -> None:
    rows.create()
    with pytest.raises(LimitReachedError):
        rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=1, key=KEY)

    later = replace(KEY, fingerprint="b" * 64)
    assert rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=2, key=later).row.desired.video_id == OTHER_VIDEO


def test_a_key_expires_after_a_day(rows: Rows) -> None:
    rows.commands.create(a_new_video(), per_hour=10, key=KEY)
    rows.age_keys()
    later = replace(KEY, fingerprint="b" * 64)

    assert rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=10, key=later).row.desired.video_id == OTHER_VIDEO
    assert rows.commands.create(a_new_video(THIRD_VIDEO), per_hour=10, key=later).row.desired.video_id == OTHER_VIDEO
