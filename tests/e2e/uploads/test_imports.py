"""A file that was put into the bucket directly, and the manifest that imports it."""

from pathlib import Path

import requests
import yaml

from devstack.paths import PROJECT_DIR
from tests.e2e.uploads.world import World
from tests.support.eventually import eventually

EXAMPLE = PROJECT_DIR / "docs" / "examples" / "import.yaml"


def test_an_import_is_playable_as_long_as_its_manifest_is_applied(world: World, clip: Path) -> None:
    manifest = yaml.safe_load(EXAMPLE.read_text())
    name, cluster = manifest["metadata"]["name"], world.stack.cluster
    key = manifest["spec"]["source"]["storageKey"]
    world.storage.put_object(Bucket=world.described.s3.bucket, Key=key, Body=clip.read_bytes(), ContentType="video/mp4")

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
