"""What one owner may upload in 24 hours, in bytes."""

from datetime import timedelta

import pytest

from database.creation import BytesPerDay, BytesSpentError, LimitReachedError, Quota
from domain.video import Phase, Rejection
from tests.integration.database.rows import OTHER_VIDEO, THIRD_VIDEO, Rows
from tests.support.builders.rows import SOURCE
from tests.support.builders.videos import VIDEO, a_new_video

DAY = BytesPerDay(at_most=20_000, largest=12_000)


def create(rows: Rows, video_id: str = OTHER_VIDEO, size: int | None = 9_000, owner: str = "ann") -> Quota:
    new = a_new_video(video_id, owner=owner, declared_bytes=size)
    return rows.commands.create(new, per_hour=10, per_day=DAY).quota


def test_declared_sizes_count_when_a_video_is_created(rows: Rows) -> None:
    assert create(rows, VIDEO).remaining_bytes == 11_000
    assert create(rows, OTHER_VIDEO, 11_000).remaining_bytes == 0
    with pytest.raises(BytesSpentError) as spent:
        create(rows, THIRD_VIDEO, 1)
    assert (spent.value.per_day, spent.value.remaining) == (20_000, 0)
    assert 24 * 3600 - 60 < spent.value.retry_after_seconds <= 24 * 3600
    assert rows.queries.get(THIRD_VIDEO) is None


def test_other_owners_have_their_own_bytes(rows: Rows) -> None:
    create(rows, VIDEO, 20_000)
    assert create(rows, OTHER_VIDEO, 20_000, owner="bob").remaining_bytes == 0


def test_a_video_counts_for_a_day_and_the_wait_is_until_enough_have_left(rows: Rows) -> None:
    create(rows, VIDEO, 9_000)
    create(rows, OTHER_VIDEO, 9_000)
    rows.age_creation(VIDEO, timedelta(hours=20))
    rows.age_creation(OTHER_VIDEO, timedelta(hours=10))
    for size, hours in ((3_000, 4), (11_000, 4), (11_001, 14), (20_000, 14)):
        with pytest.raises(BytesSpentError) as spent:
            create(rows, THIRD_VIDEO, size)
        assert hours * 3600 - 60 < spent.value.retry_after_seconds <= hours * 3600, size
    rows.age_creation(VIDEO, timedelta(hours=4))
    assert create(rows, THIRD_VIDEO, 11_000).remaining_bytes == 0


def test_a_deleted_video_still_counts(rows: Rows) -> None:
    create(rows, VIDEO, 20_000)
    rows.commands.delete(VIDEO)
    with pytest.raises(BytesSpentError):
        create(rows, OTHER_VIDEO, 1)


def test_a_file_of_undeclared_size_counts_with_the_size_that_storage_has(rows: Rows) -> None:
    assert create(rows, VIDEO, None).remaining_bytes == 20_000
    rows.enter(Phase.UPLOADED, source=SOURCE)
    assert create(rows, OTHER_VIDEO, 1_000).remaining_bytes == 19_000 - SOURCE.file_bytes


@pytest.mark.parametrize("end", ["rejected", "failed", "deleted"])
def test_a_file_of_undeclared_size_that_was_not_accepted_counts_as_the_largest(rows: Rows, end: str) -> None:
    create(rows, VIDEO, None)
    match end:
        case "rejected":
            rows.observe(VIDEO, rejected=Rejection("not_a_video", "no video", "etag@1", 0))
        case "failed":
            rows.enter(Phase.ERRORED)
        case _:
            rows.commands.delete(VIDEO)
    assert create(rows, OTHER_VIDEO, 1_000).remaining_bytes == 7_000


def test_one_that_is_waited_for_longer_than_an_hour_counts_as_the_largest(rows: Rows) -> None:
    """Those of the last hour are bounded by the hourly limit; a day of them must not all be sent at its end."""
    create(rows, VIDEO, None)
    rows.age_creation(VIDEO, timedelta(minutes=59))
    assert create(rows, OTHER_VIDEO, 1_000).remaining_bytes == 19_000
    rows.age_creation(VIDEO, timedelta(minutes=2))
    with pytest.raises(BytesSpentError) as spent:
        create(rows, THIRD_VIDEO, 7_001)
    assert spent.value.remaining == 7_000
    assert 23 * 3600 - 120 < spent.value.retry_after_seconds <= 23 * 3600
    assert create(rows, THIRD_VIDEO, 7_000).remaining_bytes == 0


def test_a_file_of_undeclared_size_needs_a_byte_to_be_left(rows: Rows) -> None:
    create(rows, VIDEO, 20_000)
    with pytest.raises(BytesSpentError):
        create(rows, OTHER_VIDEO, None)


def test_without_a_limit_nothing_is_counted(rows: Rows) -> None:
    quota = rows.commands.create(a_new_video(declared_bytes=10**12), per_hour=10).quota
    assert quota.bytes_per_day is None


def test_the_hourly_limit_is_reported_before_the_daily_bytes(rows: Rows) -> None:
    create(rows, VIDEO, 20_000)
    with pytest.raises(LimitReachedError):
        rows.commands.create(a_new_video(OTHER_VIDEO), per_hour=1, per_day=DAY)
