"""The checker of chaos runs reads a real Postgres, bucket, API server and ledger, which it shares no code with."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from chaos.checker.__main__ import main
from chaos.checker.checks import violations
from chaos.checker.reading.world import read_world
from chaos.checker.violation import Rule
from crds.spec import manifest_of
from database.pool import Database
from devstack import coconut_server
from devstack.cluster import ClusterAdmin
from devstack.coconut_server import CoconutAccess
from devstack.paths import Paths
from devstack.ports import Ports
from devstack.s3 import S3Access, client_for
from domain.video import new_video_id
from tests.integration.audited import AuditedWorld
from tests.support.builders.coconut_jobs import a_job
from tests.support.builders.resources import SIGNATURES

_SET_JOB = "UPDATE attempts SET job_id = %(job_id)s WHERE video_id = %(video_id)s"
_RETIRE = "UPDATE videos SET retired = true WHERE video_id = %(video_id)s"


class Ids(NamedTuple):
    """The ids of two ready videos: the resource of one has left the cluster."""

    retired: str
    working: str


@pytest.fixture
def ids() -> Ids:
    """Two ids."""
    return Ids(new_video_id(), new_video_id())


@pytest.fixture
def coconut(tmp_path: Path) -> Iterator[CoconutAccess]:
    """A stand-in of this test's own, as a run has: the checker judges every job of the ledger."""
    paths = Paths(tmp_path / "coconut")
    paths.prepare()
    port = Ports(paths.root / "ports.json", prefer_fixed=False).of(coconut_server.NAME)
    server = coconut_server.server(paths, port)
    server.up()
    yield coconut_server.access(paths, port)
    server.down()


@pytest.fixture
def left(database_url: str, s3: S3Access, coconut: CoconutAccess, ids: Ids) -> Iterator[AuditedWorld]:
    """Leave two ready videos whose jobs Coconut accepted."""
    database = Database(database_url, max_size=2)
    world = AuditedWorld(database, database_url, s3)
    for video_id in ids:
        world.ready(video_id)
        world.put(f"marks/{video_id}/attempt-1", b"")
        job = a_job(notification={"type": "http", "url": f"http://127.0.0.1:1/hook?video={video_id}&attempt=1"})
        accepted = requests.post(f"{coconut.url}/jobs", json=job, auth=(coconut.api_key, ""), timeout=10).json()
        world.say(_SET_JOB, job_id=accepted["id"], video_id=video_id)
    world.say(_RETIRE, video_id=ids.retired)
    yield world
    database.close()


@pytest.fixture
def run_directory(
    left: AuditedWorld,
    coconut: CoconutAccess,
    api_server: ClusterAdmin,
    kube_namespace: str,
    tmp_path: Path,
    ids: Ids,
) -> Path:
    """Describe a run that left this, in which a client knows both videos."""
    bucket = asdict(left.s3) | {"bucket": left.s3.raw_bucket}
    files = {name: f"{name}.jsonl" for name in ("answers_file", "faults_file", "clients_file", "receiver_file")}
    run = {
        "seed": 1,
        "n": 2,
        "started_at": 0,
        "ended_at": 4e9,
        "scale": 1,
        "bound_seconds": 60,
        "secrets": ["a-secret-of-the-run"],
        "wanted_faults": [],
        "killable": [],
        "log_files": ["operator.log"],
        **files,
        "postgres_url": left.database_url,
        "s3": {name: bucket[name] for name in ("endpoint", "region", "access_key", "secret_key", "bucket")},
        "kubeconfig": str(api_server.admin_kubeconfig),
        "namespace": kube_namespace,
        "coconut_control_url": coconut.control_url,
    }
    (tmp_path / "run.json").write_text(json.dumps(run))
    created = [{"at": 1, "client": "c", "video_id": video_id, "did": "created"} for video_id in ids]
    (tmp_path / files["clients_file"]).write_text("".join(json.dumps(line) + "\n" for line in created))
    (tmp_path / "operator.log").write_text("connecting with a-secret-of-the-run\n")
    return tmp_path


def test_every_source_is_read_and_what_is_right_is_not_reported(
    left: AuditedWorld, run_directory: Path, api_server: ClusterAdmin, kube_namespace: str, ids: Ids
) -> None:
    cluster = ClusterAdmin(api_server.admin_kubeconfig, kube_namespace)
    manifest = manifest_of(left.row(ids.working).row.desired, namespace=kube_namespace, signatures=SIGNATURES)
    cluster.kubectl("create", "--filename=-", stdin=json.dumps(manifest))
    client_for(left.s3).create_multipart_upload(Bucket=left.s3.raw_bucket, Key=f"uploads/{ids.retired}/original.mp4")

    world = read_world(run_directory)

    assert world.videos.keys() == world.earlier_videos.keys() == set(ids)
    assert world.resources[ids.working].storage_key == f"uploads/{ids.working}/original.mp4"
    assert [attempt.state for attempt in world.attempts_of[ids.retired]] == ["completed"]
    assert world.jobs_of[ids.retired][0].attempt == 1
    assert {world.fetched[key].status for key in world.fetched if key.startswith("processed/")} == {200}
    assert {world.fetched[key].status for key in world.fetched if key.startswith(("uploads/", "marks/"))} == {403}
    assert {row.kind for row in world.notifications} == {"video.ready"}
    # The multipart upload that nothing waits for, the status that no operator has written, and the secret in the log.
    assert {(violation.rule, violation.video_id) for violation in violations(world)} == {
        (Rule.NO_ORPHAN, ids.retired),
        (Rule.ROW_IS_RESOURCE, ids.working),
        (Rule.NO_SECRET, None),
    }
    assert "secret 1 is in the log operator.log, line 1" in [violation.text for violation in violations(world)]


def test_a_segment_that_is_gone_fails_the_run_and_the_report_names_the_video(
    left: AuditedWorld, run_directory: Path, ids: Ids
) -> None:
    lost = next(
        key for key in left.objects() if key.startswith(f"processed/{ids.retired}/1/hls/") and key.endswith(".ts")
    )
    left.remove(lost)

    assert main([str(run_directory)]) == 1

    report = json.loads((run_directory / "report.json").read_text())
    broken = {one["rule"] for one in report["violations"] if one["video_id"] == ids.retired}
    assert broken == {Rule.PLAYABLE}
    assert f"## {ids.retired}" in (run_directory / "report.md").read_text()
    assert any("accepted for attempt 1" in line for line in report["lives"][ids.retired])
