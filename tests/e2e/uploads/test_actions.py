"""People act on a video by the API and by kubectl: retry, pause, delete, restore."""

from pathlib import Path

import pytest
import requests

from devstack.demo.player import Expected, Player
from domain.video import PAUSED_ANNOTATION, RETRY_REQUESTED_ANNOTATION
from tests.e2e.clips import CLIP_SECONDS
from tests.e2e.uploads.world import Person, World, in_phase, uploaded
from tests.support.eventually import eventually
from videoupload import Video


def test_a_video_deleted_while_its_job_runs_plays_after_a_restore_without_another_job(world: World, clip: Path) -> None:
    world.faults(hold=1)
    ann = world.person()
    video_id = uploaded(ann.client, clip)
    eventually(lambda: in_phase(ann.client, video_id, "processing"), within_seconds=60)

    ann.call("DELETE", f"/videos/{video_id}", expected=204)
    eventually(lambda: world.status(video_id).get("reason") == "Deleted")
    world.faults(hold=0)
    eventually(lambda: world.jobs(video_id)[0]["status"] == "job.completed", within_seconds=60)
    body = ann.call("GET", f"/videos/{video_id}", expected=200)
    assert (body["status"], body["reason"], body["playback_url"]) == ("processing", "Deleted", None)
    assert (body["next_check_at"], body["deadline_at"]) == (None, None)

    ann.call("POST", f"/videos/{video_id}/restore", expected=202)
    video = eventually(lambda: in_phase(ann.client, video_id, "ready"), within_seconds=60)
    _plays(video)
    assert [job["attempt"] for job in world.jobs(video_id)] == [1]


def test_a_deleted_video_stops_playing_and_plays_again_at_the_same_url_once_restored(world: World, clip: Path) -> None:
    ann = world.person()
    video_id = uploaded(ann.client, clip)
    before = eventually(lambda: in_phase(ann.client, video_id, "ready"), within_seconds=90)
    assert before.playback_url is not None
    assert before.thumbnail_url is not None
    stable = [before.playback_url, before.thumbnail_url]
    assert [_status(url) for url in stable] == [200, 200]

    ann.call("DELETE", f"/videos/{video_id}", expected=204)
    eventually(lambda: all(_status(url) in {403, 404} for url in stable))
    assert ann.call("GET", "/videos", expected=200)["videos"] == []
    (deleted,) = ann.call("GET", "/videos?deleted=true", expected=200)["videos"]
    assert (deleted["id"], deleted["is_playable"]) == (video_id, False)

    ann.call("POST", f"/videos/{video_id}/restore", expected=202)
    after = eventually(lambda: _playable(ann, video_id))
    assert (after.playback_url, after.thumbnail_url) == (before.playback_url, before.thumbnail_url)
    _plays(after)
    assert len(world.jobs(video_id)) == 1
    eventually(lambda: world.columns(video_id).get("REASON") == "Published")


@pytest.mark.parametrize("way", ["api", "administrator", "kubectl"])
def test_a_dead_letter_is_listed_and_retried(world: World, clip: Path, way: str) -> None:
    world.faults(fail=1)
    ann, admin = world.person(), world.person(is_admin=True)
    video_id = uploaded(ann.client, clip)
    eventually(lambda: _newest(ann, video_id, "errored"), within_seconds=60)
    kubectl = world.stack.cluster.kubectl
    selected = ["get", "vu", "--field-selector=status.phase=errored", "--output=name"]
    eventually(lambda: video_id in kubectl(*selected))
    assert [video["id"] for video in ann.call("GET", "/videos?status=errored", expected=200)["videos"]] == [video_id]
    ann.call("GET", "/admin/videos?status=errored", expected=403)
    newest = admin.call("GET", "/admin/videos?status=errored", expected=200)["videos"][0]
    assert newest["id"] == video_id
    assert newest["provider_answer"]

    world.faults(fail=0, canned=1)
    match way:
        case "api":
            body = ann.call("POST", f"/videos/{video_id}/retry", expected=202)
            assert body["waiting_for"] == "the operator to start the requested work"
        case "administrator":
            admin.call("POST", f"/admin/videos/{video_id}/retry", expected=202)
        case _:
            world.annotate(video_id, f"{RETRY_REQUESTED_ANNOTATION}=monday")
    eventually(lambda: _newest(ann, video_id, "ready"), within_seconds=60)

    assert [job["attempt"] for job in world.jobs(video_id)] == [1, 2, 3, 4]
    eventually(lambda: video_id not in kubectl(*selected))
    assert ann.call("GET", "/videos?status=errored", expected=200)["videos"] == []
    if way == "kubectl":
        assert world.status(video_id)["lastHandledRetryAt"] == "monday"
    ann.call("POST", f"/videos/{video_id}/retry", expected=409)


def test_a_pause_holds_the_submission_until_it_is_removed(world: World, clip: Path) -> None:
    world.faults(http_429=1)
    ann = world.person()
    video_id = uploaded(ann.client, clip)
    eventually(lambda: in_phase(ann.client, video_id, "uploaded"))
    eventually(lambda: world.resource(video_id))
    world.annotate(video_id, f"{PAUSED_ANNOTATION}=true")
    eventually(lambda: world.status(video_id).get("isPaused"))
    world.faults(http_429=0, canned=1)

    # Without the pause a pass would submit now.
    world.reconcile_now(video_id, "once")
    world.reconcile_now(video_id, "and once more")
    assert world.jobs(video_id) == []
    body = ann.call("GET", f"/videos/{video_id}", expected=200)
    assert (body["status"], body["reason"]) == ("uploaded", "Paused")
    assert (body["next_check_at"], body["deadline_at"]) == (None, None)
    shown = world.status(video_id)
    assert (body["waiting_for"], body["what_to_do"]) == (shown["waitingFor"], shown["whatToDo"])

    world.annotate(video_id, f"{PAUSED_ANNOTATION}-")
    eventually(lambda: in_phase(ann.client, video_id, "ready"), within_seconds=60)
    assert len(world.jobs(video_id)) == 1


def _plays(video: Video) -> None:
    assert video.playback_url is not None
    Player().play(video.playback_url, Expected(1, CLIP_SECONDS, has_sound=True), lambda _played: None)


def _status(url: str) -> int:
    return requests.get(url, timeout=5).status_code


def _playable(person: Person, video_id: str) -> Video | None:
    video = person.client.video(video_id)
    return video if video.playback_url is not None else None


def _newest(person: Person, video_id: str, phase: str) -> bool:
    """Return whether the newest edition is in a phase."""
    return bool(person.call("GET", f"/videos/{video_id}", expected=200)["edition_status"] == phase)
