"""Whether an upload can be resumed."""

from dataclasses import replace

import pytest

from tests.support.builders.client import NOON, VIDEO_ID, a_video
from videoupload import NewVideo, Video, VideoFailure
from videoupload.files import Fingerprint
from videoupload.resuming import AlreadySent, Resume, ResumeRefused, StartOver, is_same, upload_position
from videoupload.upload_state import UploadState

TODAY = Fingerprint(100, 7)
CATS = NewVideo("Cats", "cats.mp4", "video/mp4", 100)
DOGS = NewVideo("Dogs", "cats.mp4", "video/mp4", 100)
NOT_CREATED_YET = UploadState("https://api", "/cats.mp4", TODAY, "key", CATS)
BEGUN = replace(NOT_CREATED_YET, video_id=VIDEO_ID)
NOT_A_VIDEO = VideoFailure(code="not_a_video", message="This is text", retryable=False, what_to_do="Send a video")


@pytest.mark.parametrize(
    ("begun", "now", "new", "goes_on"),
    [
        pytest.param(BEGUN, TODAY, CATS, True, id="the-same"),
        pytest.param(NOT_CREATED_YET, TODAY, CATS, True, id="answer-lost"),
        pytest.param(BEGUN, TODAY, DOGS, True, id="another-title-too-late"),
        pytest.param(NOT_CREATED_YET, TODAY, DOGS, False, id="another-request"),
        pytest.param(BEGUN, Fingerprint(101, 7), CATS, False, id="longer"),
        pytest.param(BEGUN, Fingerprint(100, 8), CATS, False, id="written-again"),
        pytest.param(None, TODAY, CATS, False, id="never-begun"),
    ],
)
def test_an_upload_is_resumed_while_file_and_request_are_the_same(
    begun: UploadState | None, now: Fingerprint, new: NewVideo, goes_on: bool
) -> None:
    assert isinstance(is_same(begun, now, new), Resume) == goes_on


def test_a_changed_file_is_reported_with_the_upload_left_behind() -> None:
    found = is_same(BEGUN, Fingerprint(101, 8), CATS)
    assert isinstance(found, StartOver)
    assert found.why is not None
    assert "has changed" in found.why
    assert f"videoupload delete {VIDEO_ID}" in found.why


def test_the_first_upload_of_a_file_reports_nothing() -> None:
    assert is_same(None, TODAY, CATS) == StartOver(None)


@pytest.mark.parametrize(
    ("video", "kind"),
    [
        pytest.param(a_video("pending"), Resume, id="pending"),
        pytest.param(a_video("uploading"), Resume, id="uploading"),
        pytest.param(a_video("uploading", error=NOT_A_VIDEO), ResumeRefused, id="file-refused"),
        pytest.param(a_video("uploaded"), AlreadySent, id="uploaded"),
        pytest.param(a_video("processing"), AlreadySent, id="processing"),
        pytest.param(a_video("ready"), AlreadySent, id="ready"),
        pytest.param(a_video("errored", error=NOT_A_VIDEO), StartOver, id="errored"),
        pytest.param(a_video("uploading", deleted_at=NOON), StartOver, id="deleted"),
        pytest.param(None, StartOver, id="gone"),
    ],
)
def test_the_state_of_an_upload_follows_from_its_video(video: Video | None, kind: type) -> None:
    assert isinstance(upload_position(video), kind)
