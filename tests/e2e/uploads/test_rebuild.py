"""A lost cluster is rebuilt from the rows, and lost rows from the cluster, without buying a job twice."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from devstack import postgres
from devstack.cluster import CRD
from tests.e2e.options import OPTIONS
from tests.e2e.uploads.operators import stack_operator_restarted
from tests.e2e.uploads.phases import HELD, one_in_each_phase
from tests.e2e.uploads.world import World, create, in_phase, put, uploaded
from tests.support.eventually import eventually

Disaster = Callable[[World], None]


def delete_every_resource(world: World) -> None:
    world.stack.cluster.kubectl("delete", "vu", "--all", "--wait=true")


def delete_the_kind(world: World) -> None:
    world.stack.cluster.kubectl("delete", "crd", CRD, "--wait=true")
    world.stack.cluster.apply_chart()


def lose_etcd(world: World) -> None:
    # The pods are lost with their cluster, and the accounts of a new one have new tokens.
    for name in ("operator", "api", "kube-apiserver", "etcd"):
        world.stack.kill(name)
    shutil.rmtree(world.stack.paths.data("etcd"))


@pytest.mark.parametrize("disaster", [delete_every_resource, delete_the_kind, lose_etcd])
def test_every_upload_returns_in_its_phase_and_is_paid_for_once(
    world: World, clip: Path, not_a_video: Path, disaster: Disaster
) -> None:
    client = world.client()
    ids = one_in_each_phase(world, client, clip, not_a_video)
    jobs = {phase: len(world.jobs(video_id)) for phase, video_id in ids.items()}

    disaster(world)
    # Start everything that has died.
    world.stack.up(OPTIONS)

    with stack_operator_restarted(world):
        for phase in HELD:
            eventually(lambda: world.status(ids[phase]).get("phase") == phase, within_seconds=90)  # noqa: B023
        assert {phase: len(world.jobs(video_id)) for phase, video_id in ids.items()} == jobs

        world.faults(http_429=0, hold=0)
        for phase in ("processing", "uploaded"):
            eventually(lambda: in_phase(client, ids[phase], "ready"), within_seconds=120)  # noqa: B023
            eventually(lambda: world.status(ids[phase]).get("phase") == "ready", within_seconds=30)  # noqa: B023
            assert len(world.jobs(ids[phase])) == 1
    assert client.video(ids["ready"]).status == "ready"


def test_an_older_dump_of_postgres_is_completed_from_the_cluster(world: World, clip: Path, tmp_path: Path) -> None:
    client, dump = world.client(), tmp_path / "dump"
    world.faults(canned=1, hold=1)
    waiting = create(client, clip)
    running = uploaded(client, clip)
    eventually(lambda: in_phase(client, running, "processing"), within_seconds=60)
    for video_id in (waiting.video_id, running):
        eventually(lambda: world.status(video_id), within_seconds=30)  # noqa: B023
    _postgres(world, "pg_dump", "--format=custom", f"--file={dump}")

    world.faults(hold=0)
    # The dump lacks a file and its job, the end of a job, and a whole video.
    put(waiting, clip)
    client.confirm(waiting.video_id)
    later = uploaded(client, clip)
    ids = [waiting.video_id, running, later]
    for video_id in ids:
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)  # noqa: B023
        eventually(lambda: world.status(video_id).get("phase") == "ready", within_seconds=30)  # noqa: B023

    world.stack.stop("operator")
    world.stack.stop("api")
    _postgres(world, "pg_restore", "--clean", "--if-exists", str(dump))
    world.stack.up(OPTIONS)

    for video_id in ids:
        eventually(lambda: world.rows(video_id)["videos"], within_seconds=60)  # noqa: B023
        eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)  # noqa: B023
    assert [len(world.jobs(video_id)) for video_id in ids] == [1, 1, 1]
    assert [len(world.rows(video_id)["attempts"]) for video_id in ids] == [1, 1, 1]


def _postgres(world: World, program: str, *arguments: str) -> None:
    # pg_dump takes the database as an option, pg_restore too.
    argv = [str(postgres.binaries() / program), f"--dbname={world.described.database_url}", "--no-owner", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
