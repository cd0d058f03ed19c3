"""GET /api/v1/videos/{id}: what the owner sees, and when to poll again."""

from datetime import datetime, timedelta

import pytest

from domain.failures import Failure, FailureCode
from domain.policy import LifecyclePolicy
from domain.schedule import Timing, next_check_at
from domain.video import Phase, Published, Reason, Rejection, Rendition, SourceFacts
from tests.support.api import CREATED_AT, Api
from webapi.videos.serializers import Serializer

PUBLISHED = Published(
    edition=1,
    attempt=2,
    duration_seconds=12.5,
    renditions=(
        Rendition("2/hls/720p.m3u8", 2_100_000, 1_900_000, 1280, 720, "avc1.64001f,mp4a.40.2", 30.0),
        Rendition("2/hls/audio.m3u8", 64_000),
    ),
    has_poster=True,
)


def test_a_new_video_waits_for_its_file(api: Api) -> None:
    video_id = api.create(size_bytes=9000)
    answer = api.call("GET", f"/api/v1/videos/{video_id}")

    check = next_check_at(api.row(video_id).desired, api.row(video_id).observed, api.now, Timing())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json == {
        "id": video_id,
        "title": "Cats",
        "status": "uploading",
        "revision": api.row(video_id).revisions.tag,
        "playback_url": None,
        "thumbnail_url": None,
        "poster": None,
        "is_playable": False,
        "progress": 0,
        "reason": "WaitingForFile",
        "waiting_for": "the file to arrive in storage",
        "what_to_do": "Send the file to the upload URL, then confirm the upload.",
        "phase_since": "2026-03-01T12:00:00Z",
        "next_check_at": _text(check),
        "deadline_at": "2026-03-02T12:00:00Z",
        "attempt": 0,
        "submissions_left": 3,
        "edition": 1,
        "edition_status": "uploading",
        "error": None,
        "renditions": [],
        "profile": "hls-1080p",
        "made_with": None,
        "storyboard_url": None,
        "mp4_files": [],
        "duration_seconds": None,
        "filename": "cats.mp4",
        "content_type": "video/mp4",
        "size_bytes": 9000,
        "content_md5": None,
        "source_url": None,
        "visibility": "public",
        "embed_origins": None,
        "metadata": {},
        "created_at": "2026-03-01T12:00:00Z",
        "deleted_at": None,
        "restorable_until": None,
        "region": "tor1",
    }


def test_a_playable_video_has_its_urls_and_renditions(api: Api) -> None:
    video_id = api.create()
    source = SourceFacts("etag", CREATED_AT, 123_456, "mp4")
    api.observe(
        video_id,
        phase=Phase.READY,
        reason=Reason.PUBLISHED,
        progress_percent=100,
        attempt=2,
        deadline_at=None,
        source=source,
        published=PUBLISHED,
        is_playable=True,
    )
    video = api.call("GET", f"/api/v1/videos/{video_id}").json

    assert video["status"] == "ready"
    assert video["playback_url"] == f"https://cdn.example.com/processed/{video_id}/playlist.m3u8"
    assert video["thumbnail_url"] == f"https://cdn.example.com/processed/{video_id}/thumbnail.jpg"
    assert (video["progress"], video["attempt"], video["size_bytes"]) == (100, 2, 123_456)
    assert (video["waiting_for"], video["next_check_at"], video["deadline_at"]) == (None, None, None)
    assert video["duration_seconds"] == 12.5
    assert video["renditions"][0] == {
        "width": 1280,
        "height": 720,
        "bandwidth": 2_100_000,
        "average_bandwidth": 1_900_000,
        "codecs": "avc1.64001f,mp4a.40.2",
        "frame_rate": 30.0,
    }


def test_outputs_that_are_not_published_yet_are_not_shown(api: Api) -> None:
    video_id = api.create()
    api.observe(video_id, phase=Phase.PROCESSING, reason=Reason.PUBLISHING, published=PUBLISHED)
    video = api.call("GET", f"/api/v1/videos/{video_id}").json

    assert (video["playback_url"], video["thumbnail_url"], video["renditions"]) == (None, None, [])


def test_a_video_without_a_poster_has_no_thumbnail(api: Api) -> None:
    video_id = api.create()
    without = Published(1, 1, 3.0, PUBLISHED.renditions, has_poster=False)
    api.observe(video_id, phase=Phase.READY, reason=Reason.PUBLISHED, published=without, is_playable=True)
    video = api.call("GET", f"/api/v1/videos/{video_id}").json

    assert video["playback_url"] is not None
    assert video["thumbnail_url"] is None


def test_a_failed_video_says_why_and_what_to_do(api: Api) -> None:
    video_id = api.create()
    failure = Failure(FailureCode.TRANSCODE_FAILED, "the job failed", 3, provider_answer="raw words of the provider")
    api.observe(video_id, phase=Phase.ERRORED, reason=Reason.FAILED, attempt=3, deadline_at=None, failure=failure)
    answer = api.call("GET", f"/api/v1/videos/{video_id}")

    assert answer.json["status"] == "errored"
    assert answer.json["error"] == {
        "code": "transcode_failed",
        "message": "the job failed",
        "stage": "transcode",
        "attempt": 3,
        "retryable": True,
        "what_to_do": "Retry; if it fails again, upload another encoding.",
    }
    assert "raw words" not in answer.text
    assert "Retry-After" not in answer.headers


def test_a_rejected_file_is_shown_while_the_video_waits_for_another(api: Api) -> None:
    video_id = api.create()
    rejected = Rejection("not_a_video", "the first bytes are text", "etag@1", confirmations=1)
    api.observe(video_id, reason=Reason.FILE_REJECTED, rejections=1, rejected=rejected)
    video = api.call("GET", f"/api/v1/videos/{video_id}").json

    assert video["status"] == "uploading"
    assert (video["error"]["code"], video["error"]["message"]) == ("not_a_video", "the first bytes are text")


def test_an_error_code_of_a_newer_release_is_shown(api: Api) -> None:
    video_id = api.create()
    rejected = Rejection("too_beautiful", "it is too beautiful", "etag@1", confirmations=1)
    api.observe(video_id, reason=Reason.FILE_REJECTED, rejected=rejected)

    assert api.call("GET", f"/api/v1/videos/{video_id}").json["error"]["code"] == "too_beautiful"


def test_a_failed_new_edition_leaves_the_video_ready(api: Api) -> None:
    video_id = api.create()
    failure = Failure(FailureCode.TRANSCODE_FAILED, "the job failed", 3)
    api.observe(
        video_id, phase=Phase.ERRORED, reason=Reason.FAILED, failure=failure, published=PUBLISHED, is_playable=True
    )
    video = api.call("GET", f"/api/v1/videos/{video_id}").json

    assert (video["status"], video["edition_status"]) == ("ready", "errored")
    assert (video["is_playable"], video["reason"]) == (True, "TranscodeFailed")
    assert video["playback_url"] is not None
    assert video["error"]["code"] == "transcode_failed"


def test_a_paused_video_has_neither_a_next_check_nor_a_deadline(api: Api) -> None:
    video_id = api.create()
    api.observe(video_id, is_paused=True)
    answer = api.call("GET", f"/api/v1/videos/{video_id}")

    assert (answer.json["reason"], answer.json["next_check_at"], answer.json["deadline_at"]) == ("Paused", None, None)
    assert answer.json["waiting_for"] == "a person to end the pause"
    assert "Retry-After" not in answer.headers


def test_submissions_left_count_from_the_last_retry(api: Api) -> None:
    video_id = api.create()
    api.observe(video_id, phase=Phase.PROCESSING, reason=Reason.TRANSCODING, attempt=5, attempt_floor=3)
    client = api.rebuilt(serializer=Serializer(api.stores.playback_base, LifecyclePolicy(max_submissions=4)))
    video = client.simulate_get(f"/api/v1/videos/{video_id}", headers={"Authorization": api.bearer()}).json

    assert (video["attempt"], video["submissions_left"]) == (5, 2)


def test_a_retry_that_no_pass_has_begun_is_polled_again_soon(api: Api) -> None:
    video_id = api.create()
    api.observe(video_id, phase=Phase.ERRORED, reason=Reason.FAILED)
    api.commands.retry(video_id)
    answer = api.call("GET", f"/api/v1/videos/{video_id}")

    assert (answer.json["status"], answer.headers["Retry-After"]) == ("errored", "2")
    assert answer.json["waiting_for"] == "the operator to start the requested work"


def test_an_unchanged_video_is_not_sent_again(api: Api) -> None:
    path = f"/api/v1/videos/{api.create()}"
    first = api.call("GET", path)
    second = api.call("GET", path, headers={"If-None-Match": first.headers["ETag"]})

    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert second.headers["Cache-Control"] == first.headers["Cache-Control"] == "private, no-cache"
    assert second.headers["Retry-After"] == first.headers["Retry-After"]
    assert not first.headers["ETag"].startswith("W/")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param("*", 304, id="any"),
        pytest.param('"other", {tag}', 304, id="one-of-several"),
        pytest.param("W/{tag}", 304, id="weak-comparison"),
        pytest.param('"other"', 200, id="another"),
        pytest.param("not a tag", 200, id="nonsense"),
    ],
)
def test_etags_are_compared_as_http_specifies(api: Api, header: str, status: int) -> None:
    path = f"/api/v1/videos/{api.create()}"
    tag = api.call("GET", path).headers["ETag"]

    assert api.call("GET", path, headers={"If-None-Match": header.format(tag=tag)}).status_code == status


def test_every_change_of_the_answer_changes_the_etag(api: Api) -> None:
    video_id = api.create()
    path = f"/api/v1/videos/{video_id}"
    tags = {api.call("GET", path).headers["ETag"]}
    api.observe(video_id, phase=Phase.PROCESSING, reason=Reason.TRANSCODING)
    tags.add(api.call("GET", path).headers["ETag"])
    api.observe(video_id, progress_percent=10)
    tags.add(api.call("GET", path).headers["ETag"])
    api.now += timedelta(hours=1)
    tags.add(api.call("GET", path).headers["ETag"])

    assert len(tags) == 4


def test_while_in_progress_the_answer_says_when_to_poll_again(api: Api) -> None:
    video_id = api.create()
    for minutes in range(30):
        api.now = CREATED_AT + timedelta(minutes=minutes)
        answer = api.call("GET", f"/api/v1/videos/{video_id}")
        check = datetime.fromisoformat(answer.json["next_check_at"])
        seconds = int(answer.headers["Retry-After"])
        assert 1 <= seconds <= 60
        # What a client waits for can come earlier than the next check.
        assert api.now + timedelta(seconds=seconds) >= min(check, api.now + timedelta(seconds=60))


def _text(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
