"""The real operator, killed by SIGKILL at the points around money and files: another one comes to the same end."""

from pathlib import Path

import pytest

from tests.e2e.uploads.operators import operators
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually


@pytest.mark.parametrize(
    "point",
    [
        "AcceptFile.observations.commit.1:after",
        "Submit.observations.commit.1:after",
        "Submit.transcoder.start.1:after",
        "Submit.observations.commit.2:after",
        "Publish.storage.publish_poster.1:after",
        "Publish.observations.commit.1:after",
        "WritePlaylist.storage.write_playlist.1:after",
        "WritePlaylist.observations.commit.1:after",
    ],
)
def test_an_operator_killed_at_any_point_buys_one_job_and_the_video_is_ready(
    world: World, clip: Path, point: str
) -> None:
    world.faults(canned=1)
    client = world.client()
    with operators(world) as others:
        doomed = others.start_once("doomed", CRASH_AT=point)
        video_id = uploaded(client, clip)
        eventually(lambda: not doomed.process.is_alive(), within_seconds=60)

        others.start("successor")
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=90)
        eventually(lambda: world.status(video_id).get("phase") == "ready", within_seconds=30)

    assert len(world.jobs(video_id)) == 1
