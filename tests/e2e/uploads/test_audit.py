"""Lost or damaged files of a ready video are repaired while it stays playable."""

import random
import subprocess
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config

from domain import object_keys
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually


def test_a_ready_video_that_loses_a_segment_is_transcoded_again_and_stays_ready(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    bucket = bucket_of(world)
    segments = [item.key for item in bucket.objects.filter(Prefix=f"{object_keys.hls_directory(video_id, 1)}/")]
    lost = random.choice([key for key in segments if key.endswith(".ts")])
    bucket.Object(lost).delete()
    assert requests.get(public(world, lost), timeout=5).status_code != requests.codes.ok

    report = audit(world, "--apply")

    # The operator's own audit may have been first.
    assert f"outputs_broken  {video_id}" in report.stdout, report.stderr

    def is_made_again() -> bool:
        assert client.video(video_id).status == "ready"
        (row,) = world.rows(video_id)["videos"]
        return bool(row["phase"] == "ready" and row["observed_edition"] == row["edition"] == 2)

    eventually(is_made_again, within_seconds=60)
    assert len(world.jobs(video_id)) == 2
    assert world.rows(video_id)["videos"][0]["heals"] == 1
    assert_plays(world, video_id)


def test_a_damaged_stable_playlist_is_rewritten_by_the_leader(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    spoilt = bucket_of(world).Object(object_keys.stable_playlist_key(video_id))
    right = spoilt.get()["Body"].read()

    spoilt.put(Body=b"#EXTM3U\n# of an older edition\n")

    eventually(lambda: spoilt.get()["Body"].read() == right, within_seconds=30)
    metrics = requests.get(world.described.operator_metrics_url, timeout=5).text
    assert 'video_uploads_audit_repaired_total{finding="playlist_wrong"}' in metrics
    assert len(world.jobs(video_id)) == 1


def audit(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command with the operator's own environment."""
    python, *_ = (command := world.stack.another_operator("audit").command).argv
    return subprocess.run(
        [python, "-m", "controller.audit_cli", *arguments],
        cwd=command.directory,
        env=dict(command.environment),
        capture_output=True,
        text=True,
        check=False,
    )


def assert_plays(world: World, video_id: str) -> None:
    """Fetch everything that a player fetches."""
    master = object_keys.stable_playlist_key(video_id)
    variants = named(world, master)
    assert variants
    for variant in variants:
        files = named(world, variant)
        assert files
        for file in files:
            response = requests.get(public(world, file), timeout=5)
            assert (response.status_code, bool(response.content)) == (requests.codes.ok, True), file


def named(world: World, playlist: str) -> list[str]:
    """Return the keys that a playlist names."""
    response = requests.get(public(world, playlist), timeout=5)
    response.raise_for_status()
    folder = playlist.rpartition("/")[0]
    return [f"{folder}/{line}" for line in response.text.splitlines() if line and not line.startswith("#")]


def public(world: World, key: str) -> str:
    return f"{world.described.s3.public_base_url}/{key}"


def bucket_of(world: World) -> Any:
    """Return the bucket with the main key."""
    s3 = world.described.s3
    resource = boto3.session.Session().resource(
        "s3",
        endpoint_url=s3.endpoint,
        region_name=s3.region,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )
    return resource.Bucket(s3.processed_bucket)
