"""Lost or damaged files of a ready video are repaired while it stays playable."""

import random
import subprocess
from pathlib import Path

import requests

from domain import object_keys
from tests.e2e.uploads.world import World, in_phase, uploaded
from tests.support.eventually import eventually


def test_a_ready_video_that_loses_a_segment_is_transcoded_again_and_stays_ready(world: World, clip: Path) -> None:
    world.faults(canned=1)
    client = world.client()
    video_id = uploaded(client, clip)
    eventually(lambda: in_phase(client, video_id, "ready"), within_seconds=60)
    bucket = world.described.s3.processed_bucket
    stored = world.storage.list_objects_v2(Bucket=bucket, Prefix=object_keys.video_prefix(video_id))
    lost = random.choice([item["Key"] for item in stored["Contents"] if item["Key"].endswith(".ts")])
    world.storage.delete_object(Bucket=bucket, Key=lost)
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
    bucket, key = world.described.s3.processed_bucket, object_keys.stable_playlist_key(video_id)
    right = world.storage.get_object(Bucket=bucket, Key=key)["Body"].read()

    world.storage.put_object(Bucket=bucket, Key=key, Body=b"#EXTM3U\n# of an older edition\n")

    eventually(lambda: world.storage.get_object(Bucket=bucket, Key=key)["Body"].read() == right, within_seconds=30)
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
