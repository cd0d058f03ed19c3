"""A new edition of a playable video: viewers notice nothing, whether it succeeds or fails."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from devstack.demo.player import Expected, Player
from tests.e2e.clips import CLIP_SECONDS
from tests.e2e.uploads.world import Person, World, plays_attempt, uploaded
from tests.support.eventually import eventually

# In the time of a whole conversion.
ANSWERS_AT_LEAST = 5


def test_a_new_edition_replaces_the_old_one_without_a_gap(world: World, clip: Path) -> None:
    world.faults(canned=1)
    ann = world.person()
    video_id, playback_url = _playable(ann, clip)
    assert plays_attempt(playback_url, 1)

    world.faults(hold=1, canned=0)
    with _watched(playback_url) as answers:
        body = ann.call("POST", f"/videos/{video_id}/retranscode", expected=202)
        assert (body["status"], body["edition"]) == ("ready", 1)
        eventually(lambda: _newest(ann, video_id, edition=2, phase="processing"), within_seconds=60)
        ann.call("POST", f"/videos/{video_id}/retranscode", expected=409)
        assert ann.call("GET", f"/videos/{video_id}", expected=200)["status"] == "ready"
        world.faults(hold=0)
        eventually(lambda: _newest(ann, video_id, edition=2, phase="ready"), within_seconds=60)
        eventually(lambda: plays_attempt(playback_url, 2))

    assert set(answers) == {200}, answers
    assert answers[200] >= ANSWERS_AT_LEAST
    assert [job["attempt"] for job in world.jobs(video_id)] == [1, 2]
    Player().play(playback_url, Expected(1, CLIP_SECONDS, has_sound=True), lambda _played: None)


def test_a_new_edition_that_fails_leaves_the_old_one_playing_and_is_a_dead_letter(world: World, clip: Path) -> None:
    world.faults(canned=1)
    ann, admin = world.person(), world.person(is_admin=True)
    video_id, playback_url = _playable(ann, clip)

    world.faults(fail=1)
    with _watched(playback_url) as answers:
        ann.call("POST", f"/videos/{video_id}/retranscode", expected=202)
        eventually(lambda: _newest(ann, video_id, edition=2, phase="errored"), within_seconds=60)
    assert set(answers) == {200}, answers

    shown = ann.call("GET", f"/videos/{video_id}", expected=200)
    assert (shown["status"], shown["is_playable"], shown["error"]["stage"]) == ("ready", True, "transcode")
    eventually(lambda: _conditions(world, video_id) == {"Ready": "True", "Stalled": "True"})
    assert [one["id"] for one in ann.call("GET", "/videos?status=errored", expected=200)["videos"]] == [video_id]
    assert admin.call("GET", "/admin/videos?status=errored", expected=200)["videos"][0]["id"] == video_id

    world.faults(fail=0, canned=1)
    ann.call("POST", f"/videos/{video_id}/retry", expected=202)
    eventually(lambda: _newest(ann, video_id, edition=2, phase="ready"), within_seconds=60)


def _playable(person: Person, clip: Path) -> tuple[str, str]:
    video_id = uploaded(person.client, clip)
    # A video is playable a moment before its edition is at rest, and only then accepts another one.
    eventually(lambda: _newest(person, video_id, edition=1, phase="ready"), within_seconds=60)
    video = person.client.video(video_id)
    assert video.playback_url is not None
    return video_id, video.playback_url


def _newest(person: Person, video_id: str, *, edition: int, phase: str) -> bool:
    shown = person.call("GET", f"/videos/{video_id}", expected=200)
    return (shown["edition"], shown["edition_status"]) == (edition, phase)


def _conditions(world: World, video_id: str) -> dict[str, str]:
    conditions = {one["type"]: one["status"] for one in world.status(video_id).get("conditions", [])}
    return {name: conditions.get(name, "") for name in ("Ready", "Stalled")}


@contextmanager
def _watched(url: str) -> Iterator[Counter[int]]:
    """Request a URL repeatedly until the end of the block, and count the statuses."""
    answers: Counter[int] = Counter()
    is_over = threading.Event()

    def watch() -> None:
        with requests.Session() as viewer:
            while not is_over.wait(0.02):
                answers[viewer.get(url, timeout=5).status_code] += 1

    viewer = threading.Thread(target=watch)
    viewer.start()
    try:
        yield answers
    finally:
        is_over.set()
        viewer.join()
