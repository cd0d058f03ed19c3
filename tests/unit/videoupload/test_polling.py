"""When waiting for a video ends."""

import pytest

from tests.support.builders.client import NOON, a_video
from videoupload import Client, Poller, Video, VideoFailure
from videoupload.models import PolledVideo
from videoupload.polling import WAIT_SECONDS, is_over
from videoupload.retry import Retry

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


class FakeClient(Client):
    """A service that answers each look with the next video, after so many seconds."""

    def __init__(self, *answers: tuple[Video, float]) -> None:
        super().__init__("http://127.0.0.1:1", "token")
        self.answers = list(answers)
        self.now = 0.0
        self.asked: list[tuple[str | None, int]] = []

    def look(self, video_id: str, *, since: str | None = None, wait_seconds: int = 0) -> PolledVideo:
        del video_id
        self.asked.append((since, wait_seconds if since else 0))
        video, seconds = self.answers.pop(0)
        self.now += seconds
        return PolledVideo(video, 7)

    def followed(self) -> tuple[list[str], list[float]]:
        """Follow the video; return the states that were shown, and the pauses that were made."""
        shown: list[str] = []
        pauses: list[float] = []
        retry = Retry(pause=lambda _event, seconds: pauses.append(seconds))
        Poller(self, retry, lambda: self.now).follow("id", lambda video: shown.append(video.status))
        return shown, pauses


def test_following_waits_for_each_change() -> None:
    client = FakeClient(
        (a_video("processing", revision="1.1"), 0),
        (a_video("processing", revision="1.1"), WAIT_SECONDS),
        (a_video("ready", revision="1.2"), 3),
    )
    assert client.followed() == (["processing", "ready"], [])
    assert client.asked == [(None, 0), ("1.1", WAIT_SECONDS), ("1.1", WAIT_SECONDS)]


def test_following_polls_where_the_service_cannot_wait() -> None:
    full = FakeClient((a_video("processing", revision="1.1"), 0), *[(a_video("processing", revision="1.1"), 0)] * 2)
    full.answers.append((a_video("ready", revision="1.2"), 0))
    assert full.followed() == (["processing", "ready"], [7, 7])

    older = FakeClient((a_video("processing"), 0), (a_video("ready"), 0))
    assert older.followed() == (["processing", "ready"], [7])
    assert older.asked == [(None, 0), (None, 0)]
