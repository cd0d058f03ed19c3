"""GET /api/v1/videos/{id}/events: what has happened to a video, and what caused it."""

from datetime import timedelta

from domain.records import Cause
from domain.video import Phase, Reason
from tests.support.api import Api
from webapi.videos.events import EVENTS_MAX


def test_the_history_begins_with_the_creation_and_ends_with_the_newest_transition(api: Api) -> None:
    video_id = api.create()
    api.now += timedelta(minutes=3)
    api.observe(
        video_id,
        cause=Cause.CLAIM,
        phase=Phase.PROCESSING,
        reason=Reason.TRANSCODING,
        message="the provider is transcoding",
        attempt=1,
    )
    answer = api.call("GET", f"/api/v1/videos/{video_id}/events")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "private, no-cache")
    assert answer.json == {
        "events": [
            {
                "at": "2026-03-01T12:00:00Z",
                "cause": "client",
                "status": "pending",
                "reason": "WaitingForUploadUrl",
                "message": "the upload was created",
                "attempt": 0,
            },
            {
                "at": "2026-03-01T12:00:00Z",
                "cause": "client",
                "status": "uploading",
                "reason": "WaitingForFile",
                "message": "the file has not arrived yet",
                "attempt": 0,
            },
            {
                "at": "2026-03-01T12:03:00Z",
                "cause": "claim",
                "status": "processing",
                "reason": "Transcoding",
                "message": "the provider is transcoding",
                "attempt": 1,
            },
        ]
    }


def test_a_long_history_shows_its_newest_part(api: Api) -> None:
    video_id = api.create()
    for number in range(EVENTS_MAX + 5):
        api.observe(video_id, message=str(number))
    events = api.call("GET", f"/api/v1/videos/{video_id}/events").json["events"]

    assert (len(events), events[-1]["message"]) == (EVENTS_MAX, str(EVENTS_MAX + 4))


def test_only_the_newest_thousand_lines_of_a_history_are_kept(api: Api) -> None:
    video_id, other_id = api.create(), api.create()
    api.sql(
        "INSERT INTO video_events SELECT video_id, n, at, cause, phase, reason, message, attempt "
        "FROM video_events, generate_series(observed_revision + 1, observed_revision + 1500) AS n "
        "WHERE video_id = %s AND observed_revision = 1 RETURNING video_id",
        video_id,
    )
    api.set_columns(video_id, observed_revision=2_000)
    api.observe(video_id, message="newest")

    def revisions(of: str) -> list[int]:
        rows = api.sql("SELECT observed_revision FROM video_events WHERE video_id = %s ORDER BY 1", of)
        return [row["observed_revision"] for row in rows]

    assert len(revisions(video_id)) == 1_000
    assert revisions(video_id)[-1] == 2_001
    assert len(revisions(other_id)) == 2


def test_a_deleted_video_keeps_its_history(api: Api) -> None:
    video_id = api.create()
    api.call("DELETE", f"/api/v1/videos/{video_id}")

    statuses = [event["status"] for event in api.call("GET", f"/api/v1/videos/{video_id}/events").json["events"]]
    assert statuses == ["pending", "uploading", "uploading"]


def test_each_deletion_and_restoration_leaves_one_line(api: Api) -> None:
    video_id = api.create()
    before = api.call("GET", f"/api/v1/videos/{video_id}/events").json["events"]
    for _ in range(2):
        for method, path in (("DELETE", ""), ("DELETE", ""), ("POST", "/restore"), ("POST", "/restore")):
            api.call(method, f"/api/v1/videos/{video_id}{path}")
    api.observe(video_id, message="the file was looked at")

    lines = api.call("GET", f"/api/v1/videos/{video_id}/events").json["events"][len(before) :]
    assert [(line["cause"], line["message"]) for line in lines] == [
        *([("client", "the video was deleted"), ("client", "the video was restored")] * 2),
        ("poll", "the file was looked at"),
    ]
    assert {(line["status"], line["reason"]) for line in lines} == {("uploading", "WaitingForFile")}
