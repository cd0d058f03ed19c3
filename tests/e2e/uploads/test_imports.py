"""A file that was put into the bucket directly, and the manifest that imports it."""

from pathlib import Path

import boto3
import requests
import yaml
from botocore.config import Config

from devstack.paths import PROJECT_DIR
from tests.e2e.uploads.world import World
from tests.support.eventually import eventually

EXAMPLE = PROJECT_DIR / "docs" / "examples" / "import.yaml"


def test_an_import_is_playable_as_long_as_its_manifest_is_applied(world: World, clip: Path) -> None:
    manifest = yaml.safe_load(EXAMPLE.read_text())
    name, cluster = manifest["metadata"]["name"], world.stack.cluster
    _put(world, manifest["spec"]["source"]["storageKey"], clip)

    cluster.kubectl("apply", f"--filename={EXAMPLE}")
    cluster.kubectl("wait", "--for=condition=Ready", f"vu/{name}", "--timeout=90s")
    playlist = f"{world.described.s3.public_base_url}/processed/{name}/playlist.m3u8"
    assert requests.get(playlist, timeout=10).text.startswith("#EXTM3U")

    cluster.kubectl("delete", f"--filename={EXAMPLE}", "--wait=true")
    eventually(lambda: requests.get(playlist, timeout=10).status_code in {403, 404}, within_seconds=60)
    assert world.rows(name)["videos"][0]["deleted"]

    cluster.kubectl("apply", f"--filename={EXAMPLE}")
    cluster.kubectl("wait", "--for=condition=Ready", f"vu/{name}", "--timeout=90s")
    assert requests.get(playlist, timeout=10).text.startswith("#EXTM3U")
    assert len(world.jobs(name)) == 1
    # It would be imported again by the tests of other disasters.
    cluster.kubectl("delete", f"--filename={EXAMPLE}", "--wait=true")


def _put(world: World, key: str, path: Path) -> None:
    """Put a file into the bucket of originals directly."""
    s3 = world.described.s3
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint,
        region_name=s3.region,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )
    client.put_object(Bucket=s3.bucket, Key=key, Body=path.read_bytes(), ContentType="video/mp4")
