"""Multipart uploads in `VideoCommands`: opened once, and only while the video waits for its file."""

import pytest

from database.commands import VideoGoneError
from domain.errors import UnavailableError
from domain.records import VideoRow
from domain.video import Phase, UploadMode
from tests.integration.database.rows import Rows
from tests.support.builders.videos import VIDEO, a_new_video


def opened(rows: Rows, upload_id: str, *, instead_of: str | None = None, part_bytes: int = 10) -> VideoRow:
    return rows.commands.open_upload(VIDEO, upload_id=upload_id, part_bytes=part_bytes, instead_of=instead_of)


def test_a_new_multipart_row_has_no_upload_yet(rows: Rows) -> None:
    row = rows.commands.create(a_new_video(upload_mode=UploadMode.MULTIPART), per_hour=10).row
    assert (row.desired.upload_mode, row.upload_id, row.part_bytes) == (UploadMode.MULTIPART, None, None)


def test_an_opened_upload_is_recorded_without_a_change_of_the_desired_state(rows: Rows) -> None:
    before = rows.commands.create(a_new_video(upload_mode=UploadMode.MULTIPART), per_hour=10).row
    after = opened(rows, "one")
    assert (after.upload_id, after.part_bytes) == ("one", 10)
    assert (after.desired, after.observed) == (before.desired, before.observed)
    assert rows.row() == after


def test_of_two_uploads_opened_at_once_the_first_is_kept(rows: Rows) -> None:
    rows.commands.create(a_new_video(upload_mode=UploadMode.MULTIPART), per_hour=10)
    opened(rows, "one")
    assert opened(rows, "two").upload_id == "one"


def test_a_newer_upload_keeps_the_size_of_the_parts(rows: Rows) -> None:
    rows.commands.create(a_new_video(upload_mode=UploadMode.MULTIPART), per_hour=10)
    opened(rows, "one")
    after = opened(rows, "two", instead_of="one", part_bytes=20)
    assert (after.upload_id, after.part_bytes) == ("two", 10)


def test_an_upload_in_one_piece_has_no_multipart_upload(rows: Rows) -> None:
    rows.create()
    assert opened(rows, "one").upload_id is None


@pytest.mark.parametrize("phase", list(Phase))
def test_an_upload_is_opened_only_while_the_video_waits_for_its_file(rows: Rows, phase: Phase) -> None:
    rows.commands.create(a_new_video(upload_mode=UploadMode.MULTIPART), per_hour=10)
    rows.enter(phase)
    assert opened(rows, "one").upload_id == ("one" if phase in {Phase.PENDING, Phase.UPLOADING} else None)


def test_no_upload_is_opened_for_a_deleted_video_or_an_import(rows: Rows) -> None:
    rows.commands.create(a_new_video(upload_mode=UploadMode.MULTIPART), per_hour=10)
    rows.commands.delete(VIDEO)
    assert opened(rows, "one").upload_id is None
    rows.commands.restore(VIDEO)
    rows.import_it(VIDEO)
    assert opened(rows, "one").upload_id is None


def test_no_upload_is_opened_for_a_purged_row(rows: Rows) -> None:
    with pytest.raises(VideoGoneError):
        opened(rows, "one")


def test_no_upload_is_opened_while_postgres_is_unavailable(rows: Rows) -> None:
    rows.commands.create(a_new_video(upload_mode=UploadMode.MULTIPART), per_hour=10)
    rows.database.close()
    with pytest.raises(UnavailableError):
        opened(rows, "one")
