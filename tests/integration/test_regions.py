"""Two regions: a bucket, a stand-in for Coconut and an operator each, one API, one Postgres and one namespace.

One region is cut off while forty uploads are under way in both. The other one finishes; those of the first wait with a
reason and finish later, with one job each. Then one is lost for good, and the catalogue is put back from a dump.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from devstack import coconut_server, postgres
from devstack import s3 as s3_server
from devstack.cluster import ClusterAdmin
from devstack.coconut_server import CoconutAccess
from devstack.environment import local_s3
from devstack.fault_proxy import FaultProxy, LineFault, fault_proxy
from devstack.paths import Paths
from devstack.ports import any_free_port
from devstack.s3 import S3Access, client_for
from devstack.server import Server
from tests.integration import api_process, operator_process
from tests.integration.api_process import ApiProcess
from tests.integration.buckets import with_fresh_bucket
from tests.integration.databases import fresh_database
from tests.support.clips import a_clip
from tests.support.eventually import eventually

HOME, AWAY = "tor1", "fra1"
UPLOADS = 20
FEW = 2
VIDEOS = "/api/v1/videos"
READY_SECONDS = 180
# The probe of the API and the breaker of the operator try again after at most 30 seconds.
AGAIN_SECONDS = 90
QUICK_TIMEOUTS = {
    "S3_CONNECT_TIMEOUT_SECONDS": "1",
    "S3_READ_TIMEOUT_SECONDS": "2",
    "S3_MAX_ATTEMPTS": "1",
}


@dataclass(frozen=True)
class Region:
    """The servers of one region. ``reach``: its storage behind the proxy, as everything of ours reaches it."""

    name: str
    reach: S3Access
    coconut: CoconutAccess
    proxies: Sequence[FaultProxy]

    def cut(self) -> None:
        """Let nothing reach the region any more."""
        for proxy in self.proxies:
            proxy.begin(LineFault.CUT)

    def connect(self) -> None:
        """Let everything reach it again."""
        for proxy in self.proxies:
            proxy.end()

    def lose_every_file(self) -> None:
        """Leave an empty bucket in place of the one that was there."""
        client = client_for(self.reach)
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=self.reach.raw_bucket):
            for entry in page.get("Contents", []):
                client.delete_object(Bucket=self.reach.raw_bucket, Key=entry["Key"])

    def keys(self) -> set[str]:
        """Return the videos that have files in its bucket."""
        listed = client_for(self.reach).list_objects_v2(Bucket=self.reach.raw_bucket)
        return {str(entry.get("Key")).split("/")[1] for entry in listed.get("Contents", [])}

    def jobs(self) -> list[str]:
        """Return the videos that its stand-in got jobs for, one for each job."""
        ledger = requests.get(f"{self.coconut.control_url}/_ledger", timeout=5)
        return [str(entry["video"]) for entry in ledger.json()]


class Services:
    """The API and the operators, which stop and start together."""

    def __init__(self, begin: Callable[[ExitStack], ApiProcess]) -> None:
        self._begin = begin
        self.start()

    def start(self) -> None:
        """Start them."""
        self._running = ExitStack()
        self.api = self._begin(self._running)

    def stop(self) -> None:
        """End them with SIGKILL, or as Kubernetes does."""
        self._running.close()


@dataclass(frozen=True)
class TwoRegions:
    """Everything, and a client of it."""

    services: Services
    database_url: str
    home: Region
    away: Region
    clip: bytes

    @property
    def api(self) -> ApiProcess:
        """Return the API that runs now."""
        return self.services.api

    def dump(self, file: Path) -> None:
        """Dump the catalogue."""
        self._postgres("pg_dump", "--format=custom", f"--file={file}")

    def put_back(self, file: Path) -> None:
        """Put a dump back, while no process of ours runs."""
        self._postgres("pg_restore", "--clean", "--if-exists", "--single-transaction", str(file))

    def _postgres(self, program: str, *arguments: str) -> None:
        subprocess.run([postgres.binaries() / program, f"--dbname={self.database_url}", *arguments], check=True)

    def create(self, region: Region) -> dict[str, Any]:
        """Ask for an upload in a region."""
        return self.api.create(region=region.name, size_bytes=len(self.clip))

    def send(self, created: dict[str, Any]) -> None:
        """Send the file and confirm it."""
        self.api.send_file(created, self.clip)
        assert self.confirm(created) == 202

    def confirm(self, created: dict[str, Any]) -> int:
        """Confirm an upload; return the status."""
        return self.api.call("POST", f"{VIDEOS}/{created['video_id']}/upload_complete").status_code

    def again(self, created: dict[str, Any]) -> requests.Response:
        """Ask for another upload URL."""
        return self.api.call("POST", f"{VIDEOS}/{created['video_id']}/upload_url")

    def is_signed(self, created: dict[str, Any]) -> bool:
        """Return whether an upload URL is signed."""
        return self.again(created).status_code == 200

    def shown(self, created: dict[str, Any]) -> dict[str, Any]:
        """Return a video as its owner sees it."""
        body: dict[str, Any] = self.api.call("GET", f"{VIDEOS}/{created['video_id']}").json()
        return body

    def attempts(self) -> dict[str, int]:
        """Return how many attempts were made of each video."""
        with psycopg.connect(self.database_url) as connection:
            rows = connection.execute("SELECT video_id, count(*) FROM attempts GROUP BY video_id").fetchall()
        return {str(video_id): int(attempts) for video_id, attempts in rows}


def _before(opened: ExitStack, url: str) -> FaultProxy:
    parts = urlsplit(url)
    return opened.enter_context(fault_proxy(str(parts.hostname), int(parts.port or 0)))


def _region(opened: ExitStack, name: str, s3: S3Access, coconut: CoconutAccess) -> Region:
    requests.put(f"{coconut.control_url}/_faults", json={"canned": 1}, timeout=5).raise_for_status()
    opened.callback(requests.delete, f"{coconut.control_url}/_faults", timeout=5)
    storage, transcoder = _before(opened, s3.endpoint), _before(opened, coconut.url)
    reach = replace(s3, endpoint=f"http://127.0.0.1:{storage.port}")
    return Region(name, reach, replace(coconut, url=f"http://127.0.0.1:{transcoder.port}/v2"), (storage, transcoder))


def _started(opened: ExitStack, server: Server) -> None:
    opened.callback(server.down)
    server.up()


def _second_servers(opened: ExitStack, directory: Path) -> tuple[S3Access, CoconutAccess]:
    paths, s3_port, coconut_port = Paths(directory), any_free_port(), any_free_port()
    _started(opened, s3_server.server(paths, s3_port))
    _started(opened, coconut_server.server(paths, coconut_port))
    reach = s3_server.access(paths, s3_port, bucket="unused")
    s3_server.create_accounts(reach)
    return with_fresh_bucket(reach), coconut_server.access(paths, coconut_port)


def _operator(opened: ExitStack, region: Region, cluster: ClusterAdmin, database_url: str, directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    environment = operator_process.environment_of(
        cluster.admin_kubeconfig,
        cluster.namespace,
        DATABASE_URL=database_url,
        COCONUT_URL=region.coconut.url,
        COCONUT_API_KEY=region.coconut.api_key,
        COCONUT_TIMEOUT_SECONDS="2",
        REGION=region.name,
        REGION_HOME=HOME,
        REGIONS=AWAY,
        TIME_SCALE="0.05",
        SWEEP_SECONDS="20",
        SUBMISSIONS_PER_OWNER_PER_DAY="200",
        **local_s3(region.reach),
        **QUICK_TIMEOUTS,
    )
    opened.enter_context(operator_process.running(environment, directory))


@pytest.fixture(scope="module")
def world(
    postgres_url: str,
    s3_access: S3Access,
    coconut_access: CoconutAccess,
    api_server: ClusterAdmin,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TwoRegions]:
    directory = tmp_path_factory.mktemp("regions")
    cluster = ClusterAdmin(api_server.admin_kubeconfig, "test-regions")
    cluster.create_namespace()
    with ExitStack() as opened:
        url = opened.enter_context(fresh_database(postgres_url))
        home = _region(opened, HOME, with_fresh_bucket(s3_access), coconut_access)
        away = _region(opened, AWAY, *_second_servers(opened, directory / "fra1-servers"))
        environment = api_process.environment_of(
            url,
            home.reach,
            api_server.admin_kubeconfig,
            NAMESPACE=cluster.namespace,
            REGION=HOME,
            REGIONS=AWAY,
            UPLOADS_PER_HOUR="100",
            TIME_SCALE="0.05",
            **QUICK_TIMEOUTS,
            **{f"REGION_FRA1_{name}": value for name, value in (local_s3(away.reach) | QUICK_TIMEOUTS).items()},
        )

        def begin(running: ExitStack) -> ApiProcess:
            api = running.enter_context(api_process.running(environment, directory))
            for region in (home, away):
                _operator(running, region, cluster, url, directory / region.name)
            return api

        services = Services(begin)
        opened.callback(services.stop)
        clip = a_clip(directory / "clip.mp4", rate=15).read_bytes()
        yield TwoRegions(services, url, home, away, clip)


def _are_ready(world: TwoRegions, videos: Sequence[dict[str, Any]]) -> bool:
    return {world.shown(video)["status"] for video in videos} == {"ready"}


def test_a_region_that_is_cut_off_delays_its_own_uploads_and_no_others(world: TwoRegions) -> None:
    at_home = [world.create(world.home) for _ in range(UPLOADS)]
    elsewhere = [world.create(world.away) for _ in range(UPLOADS)]
    sent, unsent = elsewhere[: UPLOADS // 2], elsewhere[UPLOADS // 2 :]
    # Its transcoder goes first, so that what was sent waits for a job.
    world.away.proxies[1].begin(LineFault.CUT)
    for video in sent:
        world.send(video)
    eventually(lambda: {world.shown(video)["edition_status"] for video in sent} == {"uploaded"}, within_seconds=90)
    world.away.cut()

    for video in at_home:
        world.send(video)
    eventually(lambda: _are_ready(world, at_home), within_seconds=READY_SECONDS)
    eventually(lambda: {world.shown(video)["reason"] for video in sent} == {"StorageAway"}, within_seconds=90)
    # The API notices by the calls of clients that the region is away, and names the other one.
    for _ in range(3):
        assert {world.confirm(video) for video in unsent} == {503}
    expected = world.api.call("GET", "/metrics").text
    assert all(f'video_uploads_operator_expected{{region="{name}"}} 1.0' in expected for name in (HOME, AWAY))
    refused = world.api.call("POST", VIDEOS, json={**api_process.A_VIDEO, "region": AWAY})
    assert (refused.status_code, refused.json()["code"]) == (503, "region_unavailable")
    assert '"tor1" does' in refused.json()["detail"]
    assert world.api.create()["region"] == HOME

    world.away.connect()
    for video in unsent:
        eventually(partial(world.is_signed, video), within_seconds=AGAIN_SECONDS)
        world.send(world.again(video).json())
    eventually(lambda: _are_ready(world, elsewhere), within_seconds=READY_SECONDS)

    ids = {HOME: [str(one["video_id"]) for one in at_home], AWAY: [str(one["video_id"]) for one in elsewhere]}
    assert world.attempts() == dict.fromkeys([*ids[HOME], *ids[AWAY]], 1)
    assert sorted(set(world.home.jobs()) & {*ids[HOME], *ids[AWAY]}) == sorted(ids[HOME])
    assert sorted(world.away.jobs()) == sorted(ids[AWAY])
    assert set(ids[HOME]) <= world.home.keys()
    assert set(ids[AWAY]) <= world.away.keys()
    assert not world.home.keys() & set(ids[AWAY])
    for video, region in [*((one, world.home) for one in at_home), *((one, world.away) for one in elsewhere)]:
        url = world.shown(video)["playback_url"]
        assert url.startswith(f"{region.reach.endpoint}/{region.reach.processed_bucket}/")
        assert requests.get(url, timeout=10).text.startswith("#EXTM3U")


def test_a_region_that_is_lost_for_good_loses_its_own_videos_alone(world: TwoRegions, tmp_path: Path) -> None:
    at_home, elsewhere = _sent(world, world.home), _sent(world, world.away)
    eventually(lambda: _are_ready(world, [*at_home, *elsewhere]), within_seconds=READY_SECONDS)
    on_their_way = {region.name: [world.create(region) for _ in range(FEW)] for region in (world.home, world.away)}
    world.dump(tmp_path / "dump")
    # What the dump does not have: one more video, and the files of two of those that it has.
    later = _sent(world, world.home)
    for video in [*on_their_way[HOME], *on_their_way[AWAY]]:
        world.send(video)
    after_the_dump = [*later, *on_their_way[HOME], *on_their_way[AWAY]]
    eventually(lambda: _are_ready(world, after_the_dump), within_seconds=READY_SECONDS)

    world.services.stop()
    world.away.lose_every_file()
    world.put_back(tmp_path / "dump")
    world.services.start()

    kept = [*at_home, *later, *on_their_way[HOME]]
    eventually(lambda: _are_ready(world, kept), within_seconds=READY_SECONDS)
    for video in kept:
        assert requests.get(world.shown(video)["playback_url"], timeout=10).text.startswith("#EXTM3U")
    assert {world.home.jobs().count(str(video["video_id"])) for video in kept} == {1}
    # What was lost there is listed as before, also what the dump did not know as ready. A new bucket takes new videos.
    lost = [*elsewhere, *on_their_way[AWAY]]
    eventually(lambda: _are_ready(world, lost), within_seconds=READY_SECONDS)
    assert {world.away.jobs().count(str(video["video_id"])) for video in lost} == {1}
    again = _sent(world, world.away)
    eventually(lambda: _are_ready(world, again), within_seconds=READY_SECONDS)


def _sent(world: TwoRegions, region: Region) -> list[dict[str, Any]]:
    created = [world.create(region) for _ in range(FEW)]
    for video in created:
        world.send(video)
    return created
