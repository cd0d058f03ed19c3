"""One upload from its creation to the stream, as the client, kubectl and the rows show it."""

from datetime import UTC, datetime
from pathlib import Path

from devstack.demo.player import Expected, Player
from tests.e2e.clips import CLIP_SECONDS
from tests.e2e.uploads.world import World, create, in_phase, put, uploaded
from tests.support.eventually import eventually
from videoupload import Client


def test_a_video_becomes_a_stream_that_plays(world: World, clip: Path) -> None:
    client = world.client()
    video_id = uploaded(client, clip)

    video = eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)

    assert video.playback_url is not None
    assert video.thumbnail_url is not None
    assert video.progress == 100
    assert [(rendition.width, rendition.height) for rendition in video.renditions] == [(640, 360)]
    Player().play(video.playback_url, Expected(1, CLIP_SECONDS, has_sound=True), lambda _played: None)
    assert Player().picture_bytes(video.thumbnail_url) > 1000
    assert [job["attempt"] for job in world.jobs(video_id)] == [1]


def test_kubectl_shows_what_an_upload_waits_for_and_then_that_it_is_ready(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    upload = create(client, clip)
    waiting = eventually(lambda: _shown(world, upload.video_id, "uploading"))
    assert waiting["REASON"] == "WaitingForFile"
    assert waiting["ATTEMPT"] == "0"
    assert datetime.fromisoformat(waiting["DEADLINE"]) > datetime.now(UTC)

    put(upload, clip)
    client.confirm(upload.video_id)
    ready = eventually(lambda: _shown(world, upload.video_id, "ready"), within_seconds=60)

    job = world.jobs(upload.video_id)[0]["job_id"]
    assert ready.keys() == {"NAME", "PHASE", "PROGRESS", "ATTEMPT", "REASON", "AGE", "OWNER", "JOB", "PROFILE", "HASH"}
    assert (ready["PROGRESS"], ready["ATTEMPT"], ready["REASON"], ready["JOB"]) == ("100%", "1", "Published", job)
    kubectl = world.stack.cluster.kubectl
    kubectl("wait", "--for=condition=Ready", f"vu/{upload.video_id}", "--timeout=5s")
    assert upload.video_id in kubectl("get", "vu", "--field-selector=status.phase=ready", "--output=name")
    # The category, with profiles in it, which have no phase.
    assert upload.video_id in kubectl("get", "video", "--output=name")


def test_a_file_without_a_confirmation_is_found(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    upload = create(client, clip)
    put(upload, clip)
    eventually(lambda: in_phase(client, upload.video_id, "ready"), within_seconds=60)
    assert world.rows(upload.video_id)["videos"][0]["confirmations"] == 0


def test_a_file_that_is_not_a_video_fails_at_the_second_confirmation(world: World, not_a_video: Path) -> None:
    client = world.client()
    video_id = uploaded(client, not_a_video)

    def is_rejected_after_confirmation() -> bool:
        status = world.status(video_id)
        rejected = status.get("work", {}).get("rejected", {})
        return bool(status.get("reason") == "FileRejected" and rejected.get("confirmations") == 1)

    eventually(is_rejected_after_confirmation)
    refused = client.video(video_id)
    assert refused.status == "uploading"
    assert refused.error is not None
    assert refused.error.code == "not_a_video"

    client.confirm(video_id)
    errored = eventually(lambda: _errored(client, video_id))
    assert errored == "not_a_video"
    assert eventually(lambda: _shown(world, video_id, "errored"))["REASON"] == "NotAVideo"
    assert world.jobs(video_id) == []
    assert world.rows(video_id)["attempts"] == []


def test_a_failed_job_is_submitted_again_until_the_limit(world: World, clip: Path) -> None:
    world.faults(fail=1)
    client = world.client()
    refused_before = world.refused_writes()
    video_id = uploaded(client, clip)

    assert eventually(lambda: _errored(client, video_id), within_seconds=60) == "transcode_failed"

    assert [job["attempt"] for job in world.jobs(video_id)] == [1, 2, 3]
    shown = eventually(lambda: _shown(world, video_id, "errored"))
    assert (shown["ATTEMPT"], shown["REASON"]) == ("3", "TranscodeFailed")
    # The resource's own rules accepted every state on the way.
    assert world.refused_writes() == refused_before


def _shown(world: World, video_id: str, phase: str) -> dict[str, str] | None:
    columns = dict(world.columns(video_id))
    assert columns.get("PHASE") == phase, columns
    return columns


def _errored(client: Client, video_id: str) -> str | None:
    video = client.video(video_id)
    return video.error.code if video.status == "errored" and video.error else None
