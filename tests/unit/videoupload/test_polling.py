"""When waiting for a video ends."""

import pytest

from tests.support.builders.client import NOON, a_video
from videoupload import Video, VideoFailure
from videoupload.polling import is_over

NOT_A_VIDEO = VideoFailure(code="not_a_video", message="This is text", retryable=False, what_to_do="Send a video")


@pytest.mark.parametrize(
    ("video", "expected"),
    [
        pytest.param(a_video("pending"), False, id="pending"),
        pytest.param(a_video("uploading"), False, id="uploading"),
        pytest.param(a_video("uploaded"), False, id="uploaded"),
        pytest.param(a_video("processing"), False, id="processing"),
        pytest.param(a_video("ready"), True, id="ready"),
        pytest.param(a_video("errored", error=NOT_A_VIDEO), True, id="errored"),
        pytest.param(a_video("uploading", error=NOT_A_VIDEO), True, id="file-refused"),
        pytest.param(a_video("processing", deleted_at=NOON), True, id="deleted"),
        pytest.param(a_video("ready", edition_status="processing"), False, id="playable-and-transcoded-again"),
    ],
)
def test_waiting_ends_when_only_a_person_can_act(video: Video, expected: bool) -> None:
    assert is_over(video) == expected
