"""Uploads against the API on real Postgres and S3, through a proxy that loses requests and answers."""

import secrets
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.client.service import (
    EXPIRED,
    FILE_BYTES,
    IN_ONE_PIECE,
    IN_PARTS,
    PART_BYTES,
    UNAVAILABLE,
    InterruptedUploadError,
    Interrupts,
    RunningService,
)
from tests.support.proxies.lossy_proxy import CUT, LOST_ANSWER, Fault
from videoupload import (
    FileChangedError,
    ProblemError,
    StorageRefusedError,
    UnreachableError,
    UploadOptions,
)


@pytest.mark.parametrize("wanted", [IN_PARTS, IN_ONE_PIECE], ids=["in-parts", "in-one-piece"])
@pytest.mark.parametrize("parallel", [1, 3])
def test_storage_receives_exactly_the_file(
    service: RunningService, file: Path, wanted: UploadOptions, parallel: int, tmp_path: Path
) -> None:
    listener = Interrupts()
    video_id = service.uploader(listener, parallel=parallel).upload(file, wanted)

    assert service.stored(video_id) == file.read_bytes()
    assert service.client.video(video_id).size_bytes == FILE_BYTES
    assert listener.shown[-1] == FILE_BYTES
    assert set(Counter(service.lossy_proxy.begun).values()) == {1}
    assert service.remembered(tmp_path) == []


@pytest.mark.parametrize("wanted", [IN_PARTS, IN_ONE_PIECE], ids=["in-parts", "in-one-piece"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(UNAVAILABLE, id="unavailable"),
        pytest.param(EXPIRED, id="expired"),
        pytest.param(CUT, id="cut"),
        pytest.param(LOST_ANSWER, id="lost-answer"),
    ],
)
def test_a_storage_failure_costs_only_the_part_that_it_hit(
    service: RunningService, file: Path, wanted: UploadOptions, fault: Fault
) -> None:
    service.lossy_proxy.lose("PUT /", fault, times=2)
    video_id = service.uploader().upload(file, wanted)

    assert service.stored(video_id) == file.read_bytes()
    assert max(Counter(service.lossy_proxy.begun).values()) == 3
    assert sum(Counter(service.lossy_proxy.begun).values()) == len(set(service.lossy_proxy.begun)) + 2


@pytest.mark.parametrize(
    ("wanted", "calls_before"),
    # Ask, look, sign thrice, look, confirm; ask, confirm.
    [*((IN_PARTS, number) for number in range(7)), *((IN_ONE_PIECE, number) for number in range(2))],
    ids=lambda value: value.upload_mode if isinstance(value, UploadOptions) else None,
)
@pytest.mark.parametrize("fault", [UNAVAILABLE, CUT, LOST_ANSWER], ids=["unavailable", "cut", "lost-answer"])
def test_a_failure_of_any_call_leaves_one_video(
    service: RunningService, file: Path, wanted: UploadOptions, fault: Fault, calls_before: int
) -> None:
    service.lossy_proxy.lose("/api/", fault, after=calls_before)
    video_id = service.uploader().upload(file, wanted)

    assert len(service.lossy_proxy.calls) > calls_before
    assert [video.id for video in service.videos()] == [video_id]
    assert service.stored(video_id) == file.read_bytes()


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_resumed_upload_resends_only_the_parts_that_were_in_flight(
    service: RunningService, file: Path, parallel: int, tmp_path: Path
) -> None:
    with pytest.raises(InterruptedUploadError):
        service.uploader(Interrupts(FILE_BYTES * 6 // 10), parallel=parallel).upload(file, IN_PARTS)
    assert len(service.remembered(tmp_path)) == 1

    again = Interrupts()
    video_id = service.uploader(again).upload(file, IN_PARTS)
    assert again.notes == [f"resuming video {video_id}"]
    assert service.stored(video_id) == file.read_bytes()
    assert sum(Counter(service.lossy_proxy.begun).values()) <= 3 + parallel
    assert [video.id for video in service.videos()] == [video_id]


def test_an_answer_lost_with_its_process_is_fetched_again(service: RunningService, file: Path) -> None:
    service.lossy_proxy.lose("/api/", LOST_ANSWER)
    with pytest.raises(UnreachableError):
        service.uploader(patience_seconds=0).upload(file, IN_PARTS)
    video_id = service.uploader().upload(file, IN_PARTS)
    assert [video.id for video in service.videos()] == [video_id]


def test_a_file_that_was_sent_but_not_confirmed_is_not_sent_again(service: RunningService, file: Path) -> None:
    service.lossy_proxy.lose("upload_complete", CUT)
    with pytest.raises(UnreachableError):
        service.uploader(patience_seconds=0).upload(file, IN_ONE_PIECE)
    service.uploader().upload(file, IN_ONE_PIECE)
    assert service.lossy_proxy.begun == [0]


def test_a_changed_file_is_uploaded_again_from_the_start_with_a_notice(service: RunningService, file: Path) -> None:
    with pytest.raises(InterruptedUploadError):
        service.uploader(Interrupts(PART_BYTES)).upload(file, IN_PARTS)
    (first,) = service.videos()
    file.write_bytes(secrets.token_bytes(FILE_BYTES))

    again = Interrupts()
    video_id = service.uploader(again).upload(file, IN_PARTS)
    assert video_id != first.id
    assert "the file has changed" in again.notes[0]
    assert first.id in again.notes[0]
    assert service.stored(video_id) == file.read_bytes()


def test_a_file_that_changes_while_it_is_sent_is_not_confirmed(
    service: RunningService, file: Path, tmp_path: Path
) -> None:
    def change() -> None:
        with file.open("ab") as out:
            out.write(b"more")

    class Changes(Interrupts):
        def sent(self, done_bytes: int, _total_bytes: int) -> None:
            if done_bytes >= FILE_BYTES:
                change()

    with pytest.raises(FileChangedError, match="was changed"):
        service.uploader(Changes()).upload(file, IN_PARTS)
    assert not any("upload_complete" in call for call in service.lossy_proxy.calls)
    assert service.remembered(tmp_path) == []


def test_a_video_deleted_during_the_upload_is_uploaded_as_a_new_one(service: RunningService, file: Path) -> None:
    with pytest.raises(InterruptedUploadError):
        service.uploader(Interrupts(PART_BYTES)).upload(file, IN_PARTS)
    (first,) = service.videos()
    service.client.delete(first.id)

    again = Interrupts()
    video_id = service.uploader(again).upload(file, IN_PARTS)
    assert "was deleted" in again.notes[0]
    assert [video.id for video in service.videos()] == [video_id]


def test_a_refused_creation_leaves_no_upload_state(service: RunningService, file: Path, tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as declined:
        service.uploader().upload(file, UploadOptions(title="two\nlines"))
    assert (declined.value.code, declined.value.is_retryable) == ("invalid_request", False)
    assert "title" in declined.value.detail
    assert service.remembered(tmp_path) == []


def test_a_permanent_refusal_by_storage_ends_the_retries(service: RunningService, file: Path) -> None:
    service.lossy_proxy.lose("PUT /", EXPIRED, times=3)
    with pytest.raises(StorageRefusedError, match="HTTP 403") as refused:
        service.uploader().upload(file, IN_ONE_PIECE)
    assert "Signature" not in str(refused.value)
