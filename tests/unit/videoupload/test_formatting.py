"""How the command prints videos."""

from datetime import timedelta

from tests.support.builders.client import NOON, VIDEO_ID, a_video
from videoupload import Event, VideoFailure
from videoupload.formatting import event_lines, failure, list_lines, progress, video_lines

NOT_A_VIDEO = VideoFailure(code="not_a_video", message="This is text", retryable=False, what_to_do="Send a video.")


def test_a_video_is_printed_with_what_it_waits_for_and_no_empty_lines() -> None:
    assert video_lines(a_video("uploading", deadline_at=NOON + timedelta(days=1))) == [
        f"id           {VIDEO_ID}",
        "title        Cats",
        "status       uploading",
        "waiting for  a decision by the owner",
        "deadline     2026-01-02 12:00:00 UTC",
        "created      2026-01-01 12:00:00 UTC",
    ]


def test_a_list_is_a_table() -> None:
    videos = [
        a_video("processing", progress=40),
        a_video("ready", edition_status="errored"),
        a_video("ready", deleted_at=NOON),
    ]
    assert [line[28:58].split("  ")[0] for line in list_lines(videos)] == [
        "STATUS",
        "processing 40 %",
        "ready (newest: errored)",
        "deleted",
    ]
    assert list_lines([]) == ["ID  STATUS  CREATED  TITLE"]


def test_events_are_printed_oldest_first() -> None:
    event = Event(at=NOON, cause="poll", status="ready", reason="Published", message="playable", attempt=1)
    assert event_lines([event])[1] == "2026-01-01 12:00:00 UTC  ready   Published  poll   playable"


def test_a_failure_says_why_and_what_to_do() -> None:
    assert failure(a_video("errored", error=NOT_A_VIDEO)) == (
        f"video {VIDEO_ID} failed (not_a_video): This is text\nSend a video."
    )
    assert "was deleted" in failure(a_video("ready", deleted_at=NOON))


def test_progress_says_what_is_waited_for() -> None:
    assert progress(a_video("uploaded")) == "uploaded, waiting for a decision by the owner"
    assert progress(a_video("ready", waiting_for=None)) == "ready"
