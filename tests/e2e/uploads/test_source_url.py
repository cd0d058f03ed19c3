"""A file that the real operator fetches from a real server, and an operator that is killed meanwhile."""

from pathlib import Path

import pytest

from tests.e2e.uploads.operators import operators
from tests.e2e.uploads.world import World, in_phase
from tests.support.eventually import eventually


def body_of(url: str, clip: Path) -> dict[str, str]:
    return {"title": "Cats", "filename": clip.name, "content_type": "video/mp4", "source_url": url}


def test_a_fetched_file_becomes_a_stream_and_its_url_is_in_no_log_and_no_resource(
    world: World, clip: Path, origin: str
) -> None:
    world.faults(canned=1)
    person = world.person()
    created = person.call("POST", "/videos", json=body_of(origin, clip), expected=201)
    video_id = created["video_id"]

    eventually(lambda: in_phase(person.client, video_id, "ready"), within_seconds=90)
    assert created["upload"] == {"mode": "url"}
    assert world.original(video_id) == clip.read_bytes()
    assert len(world.jobs(video_id)) == 1
    assert "key=secret" not in str(world.resource(video_id))
    for name, path in world.described.logs.items():
        assert "key=secret" not in Path(path).read_text(errors="replace"), name


def test_a_url_that_gives_no_file_ends_the_upload_and_says_why(world: World, clip: Path, origin: str) -> None:
    person = world.person()
    missing = origin.replace(clip.name, "nothing.mp4")
    video_id = person.call("POST", "/videos", json=body_of(missing, clip), expected=201)["video_id"]

    eventually(lambda: in_phase(person.client, video_id, "errored"), within_seconds=60)
    error = person.call("GET", f"/videos/{video_id}", expected=200)["error"]
    assert (error["code"], error["retryable"]) == ("source_refused", False)
    assert world.jobs(video_id) == []


@pytest.mark.parametrize(
    "point",
    [
        "FetchSource.fetch_rows.begin.1:after",
        "FetchSource.parts.put_part.1:after",
        "FetchSource.parts.complete.1:after",
    ],
)
def test_an_operator_killed_while_it_fetches_is_followed_by_one_that_ends_it(
    world: World, clip: Path, origin: str, point: str
) -> None:
    world.faults(canned=1)
    person = world.person()
    with operators(world) as others:
        doomed = others.start_once("doomed", CRASH_AT=point)
        video_id = person.call("POST", "/videos", json=body_of(origin, clip), expected=201)["video_id"]
        eventually(lambda: not doomed.process.is_alive(), within_seconds=60)

        others.start("successor")
        eventually(lambda: in_phase(person.client, video_id, "ready"), within_seconds=90)

    assert world.original(video_id) == clip.read_bytes()
    assert len(world.jobs(video_id)) == 1
