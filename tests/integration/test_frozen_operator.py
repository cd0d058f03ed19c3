"""The operator while an upstream hangs: it accepts connections, and says nothing more.

Every part keeps beating, so liveness stays; passes that do not need the upstream are made; and once it answers again
the upload becomes ready with one attempt.
"""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
import yaml
from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families
from psycopg.rows import dict_row

from devstack.cluster import ClusterAdmin
from devstack.coconut_server import CoconutAccess
from devstack.s3 import S3Access, client_for
from tests.integration.buckets import with_fresh_bucket
from tests.integration.databases import fresh_database
from tests.integration.operator_process import environment_of, running
from tests.support.eventually import eventually
from tests.support.proxies.freezing_proxy import FreezingProxy, freezing_proxy

TIMEOUT_SECONDS = 1
# A call to the API server takes ten seconds at most, one to the others far less.
ROUND_SECONDS = 15.0
FROZEN_SECONDS = 17.0
# These have a round every second or two; the others wait for longer, or come and go.
QUICK_PARTS = {"event-loop", "listen", "resync", "stats", "outbox"}
READY_SECONDS = 120


@dataclass(frozen=True)
class FrozenWorld:
    """A leading operator, and the way to each of its upstreams."""

    cluster: ClusterAdmin
    s3: S3Access
    database_url: str
    probe_url: str
    clip: bytes
    proxies: dict[str, FreezingProxy]

    def apply(self, name: str) -> None:
        """Import a file that has yet to arrive."""
        body = {
            "apiVersion": "video.uploads.dev/v1alpha1",
            "kind": "VideoUpload",
            "metadata": {"name": name},
            "spec": {"source": {"storageKey": self._key(name)}},
        }
        self.cluster.kubectl("apply", "--filename=-", stdin=json.dumps(body))

    def send(self, name: str) -> None:
        """Let its file arrive."""
        client_for(self.s3).put_object(Bucket=self.s3.raw_bucket, Key=self._key(name), Body=self.clip)

    def pause(self, name: str, mark: str) -> None:
        """Pause it with the mark ``=true``, and go on with ``-``."""
        self.cluster.kubectl("annotate", "--overwrite", "videouploads", name, f"video.uploads.dev/paused{mark}")

    def row(self, name: str) -> dict[str, object]:
        """Return what is observed of it; empty before it was adopted."""
        with psycopg.connect(self.database_url, row_factory=dict_row) as connection:
            row = connection.execute("SELECT phase, is_paused FROM videos WHERE video_id = %s", [name]).fetchone()
        return row or {}

    def attempts(self, name: str) -> int:
        """Return how many attempts were made, each of which leads to one job at most."""
        with psycopg.connect(self.database_url) as connection:
            counted = connection.execute("SELECT count(*) FROM attempts WHERE video_id = %s", [name]).fetchone()
        assert counted is not None
        return int(counted[0])

    def stuck(self) -> list[str]:
        """Return what liveness names, and the quick parts that have not beaten for too long."""
        with requests.Session() as session:
            session.trust_env = False
            livez = session.get(f"{self.probe_url}/livez", timeout=5)
            metrics = session.get(f"{self.probe_url}/metrics", timeout=5).text
        families = {family.name: family for family in text_string_to_metric_families(metrics)}
        ages = {
            sample.labels["part"]: sample.value for sample in families["video_uploads_heartbeat_age_seconds"].samples
        }
        assert ages.keys() >= QUICK_PARTS
        late = [f"{part}: {ages[part]}" for part in QUICK_PARTS if ages[part] > ROUND_SECONDS]
        return late if livez.status_code == 200 else [livez.text, *late]

    def _key(self, name: str) -> str:
        return f"imports/{self.cluster.namespace}/{name}.mp4"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    argv = [
        *[get_ffmpeg_exe(), "-nostdin", "-loglevel", "error"],
        *["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=15:duration=2", "-f", "lavfi", "-i", "sine=duration=2"],
        *["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", str(path)],
    ]
    subprocess.run(argv, check=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def world(
    postgres_url: str,
    s3_access: S3Access,
    api_server: ClusterAdmin,
    coconut_access: CoconutAccess,
    clip: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[FrozenWorld]:
    directory = tmp_path_factory.mktemp("frozen-operator")
    own = ClusterAdmin(api_server.admin_kubeconfig, "test-frozen-operator")
    own.create_namespace()
    with ExitStack() as opened:
        url = opened.enter_context(fresh_database(postgres_url))
        s3 = with_fresh_bucket(s3_access)
        kubeconfig = yaml.safe_load(api_server.admin_kubeconfig.read_text())
        server = kubeconfig["clusters"][0]["cluster"]
        upstreams = {
            "postgres": url,
            "storage": s3.endpoint,
            "coconut": coconut_access.url,
            "kubernetes": server["server"],
        }
        proxies = {name: opened.enter_context(_before(address)) for name, address in upstreams.items()}
        server["server"] = _through(proxies["kubernetes"], server["server"])
        (directory / "kubeconfig").write_text(yaml.safe_dump(kubeconfig))
        with socket.create_server(("127.0.0.1", 0)) as free:
            probe_port = free.getsockname()[1]
        environment = environment_of(
            directory / "kubeconfig",
            own.namespace,
            DATABASE_URL=_through(proxies["postgres"], url),
            DATABASE_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            COCONUT_URL=_through(proxies["coconut"], coconut_access.url),
            COCONUT_API_KEY=coconut_access.api_key,
            COCONUT_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            S3_ENDPOINT=_through(proxies["storage"], s3.endpoint),
            S3_PUBLIC_ENDPOINT=s3.endpoint,
            S3_PUBLIC_BASE_URL=f"{s3.endpoint}/{s3.processed_bucket}",
            S3_REGION=s3.region,
            S3_ACCESS_KEY=s3.access_key,
            S3_SECRET_KEY=s3.secret_key,
            S3_RAW_BUCKET=s3.raw_bucket,
            S3_PROCESSED_BUCKET=s3.processed_bucket,
            S3_ACL="none",
            S3_COCONUT_SERVICE="s3other",
            S3_CONNECT_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            S3_READ_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
            S3_MAX_ATTEMPTS="1",
            PROBE_PORT=str(probe_port),
            SWEEP_SECONDS="20",
            TIME_SCALE="0.05",
            # An API server that hangs must not cost the Lease here: test_outages.py is about that.
            LEASE_DURATION_SECONDS="120",
            LEASE_RENEW_DEADLINE_SECONDS="100",
        )
        requests.put(f"{coconut_access.control_url}/_faults", json={"canned": 1}, timeout=5).raise_for_status()
        opened.callback(requests.delete, f"{coconut_access.control_url}/_faults", timeout=5)
        opened.enter_context(running(environment, directory))
        yield FrozenWorld(own, s3, url, f"http://127.0.0.1:{probe_port}", clip, proxies)


def _before(url: str) -> AbstractContextManager[FreezingProxy]:
    parts = urlsplit(url)
    return freezing_proxy(str(parts.hostname), int(parts.port or 0))


def _through(proxy: FreezingProxy, url: str) -> str:
    parts = urlsplit(url)
    account, at, _ = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{account}{at}127.0.0.1:{proxy.port}").geturl()


def nothing(_world: FrozenWorld, _name: str) -> None:
    """Without Postgres no pass is made."""


def pausing(world: FrozenWorld, name: str) -> None:
    """A pass that needs no file is made."""
    world.pause(name, "=true")
    eventually(lambda: world.row(name)["is_paused"], within_seconds=30)
    world.pause(name, "-")


def accepting(world: FrozenWorld, name: str) -> None:
    """A file is found, judged and accepted."""
    world.send(name)
    eventually(lambda: world.row(name)["phase"] != "uploading", within_seconds=60)


@pytest.mark.parametrize(
    ("upstream", "goes_on"),
    [("postgres", nothing), ("storage", pausing), ("coconut", accepting), ("kubernetes", accepting)],
    ids=["postgres", "storage", "coconut", "kubernetes"],
)
def test_while_an_upstream_hangs_all_parts_beat_others_passes_are_made_and_then_the_upload_becomes_ready(
    upstream: str, goes_on: Callable[[FrozenWorld, str], None], world: FrozenWorld
) -> None:
    name = f"film-{upstream}"
    world.apply(name)
    eventually(lambda: world.row(name).get("phase") == "uploading", within_seconds=60)
    with world.proxies[upstream].frozen():
        began, stuck = time.monotonic(), list[str]()
        goes_on(world, name)

        def is_over() -> bool:
            stuck.extend(world.stuck())
            return time.monotonic() - began > FROZEN_SECONDS

        eventually(is_over, within_seconds=120, every_seconds=0.5)
        assert stuck == []
    if goes_on is not accepting:
        world.send(name)
    eventually(lambda: world.row(name)["phase"] == "ready", within_seconds=READY_SECONDS)
    assert world.attempts(name) == 1
