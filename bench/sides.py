"""The two sides that are compared: this service on the local stack, and the peer on its own servers.

Both use one S3 server, each with its own bucket, and one stub of Coconut. Everything is below one directory and ends
with the block.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import psycopg

from bench.flow import Driver, StubEvents, TimedVideo, call
from crds.kind import PLURAL, VERSION
from devstack import s3, services, tokens
from devstack.child_environment import child_environment
from devstack.coconut.ffmpeg import Ffmpeg
from devstack.http_probe import is_serving
from devstack.options import StackOptions
from devstack.paths import PROJECT_DIR, Paths
from devstack.plan import BUCKET_NAME
from devstack.ports import HOST, any_free_port
from devstack.process import Command
from devstack.server import Server
from devstack.stack import Stack
from devstack.waiting import until
from domain.video import GROUP

OURS = "this service"
PEER = "Rails + Sidekiq"
PEER_DIR = PROJECT_DIR / "bench" / "peers" / "rails-sidekiq"
WORKER = services.OPERATOR

_OWNERS = 100
# Both sides serve HTTP with as many processes, each with threads of its own.
WEB_PROCESSES = "2"
_UNLIMITED = 1_000_000
_API_KEY = "bench"
_PEER_BUCKET = "peer"
_PEER_NEEDS = ("ruby", "puma", "sidekiq", "redis-server", "redis-cli")
# Of fifty thousand resources some hundred are deleted in a second.
_EMPTY_WITHIN_SECONDS = 600
_DELETED_AT_ONCE = 2000
_CLIP = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=5:duration=1", "-c:v", "libx264", "-preset", "ultrafast"]
# The limits of a provider's account and of one user: what is measured is the service, not its limits.
_WITHOUT_LIMITS = {
    "MAX_RUNNING_JOBS": "10000",
    "MAX_RUNNING_JOBS_PER_OWNER": "10000",
    "SUBMISSIONS_PER_OWNER_PER_DAY": str(_UNLIMITED),
    "SUBMISSIONS_PER_MINUTE": "10000",
    "SUBMISSIONS_BURST": "1000",
}


class Contender(Protocol):
    """One of the compared services."""

    @property
    def name(self) -> str:
        """Return its name on the page."""

    @property
    def driver(self) -> Driver:
        """Return its clients."""

    def pids(self) -> dict[str, int]:
        """Return its processes by name, the servers it uses included."""

    @property
    def address(self) -> tuple[str, int]:
        """Return where its API listens."""

    def request(self, method: str, path: str, number: int, body: bytes = b"") -> bytes:
        """Return the bytes of one request by one of many users."""

    def read(self, video: TimedVideo) -> bytes:
        """Return the bytes of one request that reads a video."""

    def reset(self) -> None:
        """Forget every video."""

    def kill_worker(self) -> None:
        """End the process that works in the background with SIGKILL."""

    def start_worker(self) -> None:
        """Start it again, as a supervisor does."""


@dataclass(frozen=True)
class OurCalls:
    """The calls of this service's clients."""

    url: str
    tokens: tuple[str, ...]

    def create(self, number: int) -> TimedVideo:
        """Create a video."""
        user = self.tokens[number % len(self.tokens)]
        answer = call(f"{self.url}/api/v1/videos", "POST", new_video(number), self._headers(user)).json(201)
        return TimedVideo(answer["video_id"], answer["upload_url"], answer["headers"], answer["storage_key"], user)

    def confirm(self, video: TimedVideo) -> None:
        """Confirm the file."""
        path = f"{self.url}/api/v1/videos/{video.video_id}/upload_complete"
        call(path, "POST", b"{}", self._headers(video.user)).json(202)

    def is_ready(self, video: TimedVideo) -> bool:
        """Read the video."""
        shown = call(f"{self.url}/api/v1/videos/{video.video_id}", headers=self._headers(video.user)).json(200)
        return bool(shown["status"] == "ready")

    def _headers(self, user: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {user}", "Content-Type": "application/json"}


@dataclass(frozen=True)
class PeerCalls:
    """The calls of the peer's clients."""

    url: str

    def create(self, number: int) -> TimedVideo:
        """Create a video."""
        user = f"user-{number % _OWNERS}"
        answer = call(f"{self.url}/api/v1/videos", "POST", new_video(number), self._headers(user)).json(201)
        headers = {"Content-Type": "video/mp4"}
        return TimedVideo(str(answer["video_id"]), answer["upload_url"], headers, answer["storage_key"], user)

    def confirm(self, video: TimedVideo) -> None:
        """Confirm the file."""
        path = f"{self.url}/api/v1/videos/{video.video_id}/upload_complete"
        call(path, "POST", b"{}", self._headers(video.user)).json(200)

    def is_ready(self, video: TimedVideo) -> bool:
        """Read the video."""
        shown = call(f"{self.url}/api/v1/videos/{video.video_id}", headers=self._headers(video.user)).json(200)
        return bool(shown["status"] == "ready")

    def _headers(self, user: str) -> dict[str, str]:
        return {"X-User": user, "Content-Type": "application/json"}


def new_video(number: int) -> bytes:
    """Return the body of a creation, the same on both sides."""
    return json.dumps(
        {"title": f"TimedVideo {number}", "filename": f"video-{number}.mp4", "content_type": "video/mp4"}
    ).encode()


class Ours:
    """This service on a stack of real servers, with real durations."""

    name = OURS

    def __init__(self, stack: Stack, events: StubEvents, coconut_url: str, file: bytes) -> None:
        self.stack = stack
        self._options = StackOptions(
            uploads_per_hour=_UNLIMITED,
            coconut_url=f"{coconut_url}/v2",
            coconut_api_key=_API_KEY,
            operator_settings=_WITHOUT_LIMITS,
            api_settings={"PROCESSES": WEB_PROCESSES},
        )
        described = stack.up(self._options)
        self.url, self.database_url = described.api_url, described.database_url
        self.metrics_url = described.operator_metrics_url
        self._tokens = tuple(
            tokens.mint(described.jwt.signing_key, user=f"user-{number}", uploads_per_hour=_UNLIMITED)
            for number in range(_OWNERS)
        )
        self.driver = Driver(OurCalls(self.url, self._tokens), events, file)

    def pids(self) -> dict[str, int]:
        """Return the stack's processes."""
        return self.stack.description.pids

    @property
    def address(self) -> tuple[str, int]:
        """Return where the API listens."""
        return HOST, int(self.url.rpartition(":")[2])

    def headers(self, number: int) -> dict[str, str]:
        """Return the headers of one user's calls."""
        return {"Authorization": f"Bearer {self._tokens[number % _OWNERS]}", "Content-Type": "application/json"}

    def request(self, method: str, path: str, number: int, body: bytes = b"") -> bytes:
        """Return one request."""
        return request(method, path, f"Authorization: Bearer {self._tokens[number % _OWNERS]}", body)

    def read(self, video: TimedVideo) -> bytes:
        """Return a request of its owner."""
        return request("GET", f"/api/v1/videos/{video.video_id}", f"Authorization: Bearer {video.user}")

    def reset(self) -> None:
        """Remove rows and resources while no operator runs, which would make one from the other."""
        self.stack.stop(WORKER)
        cluster, namespace = self.stack.cluster, self.stack.description.namespace
        groups = {f"{GROUP}/{VERSION}": PLURAL, "events.k8s.io/v1": "events"}
        paths = [f"/apis/{group}/namespaces/{namespace}/{kind}" for group, kind in groups.items()]

        def is_empty() -> bool:
            with psycopg.connect(self.database_url, autocommit=True) as connection:
                connection.execute("TRUNCATE videos, notifications, tombstones, deliveries CASCADE")
            # What the API had still queued may have come back.
            return not sum([delete_some(cluster.kubectl, path) for path in paths])

        until(is_empty, within_seconds=_EMPTY_WITHIN_SECONDS, what="an empty service")
        self.stack.start(WORKER)

    def restart_api(self, **settings: str) -> None:
        """Start the API again, with other settings than before where some are named."""
        self.stack.stop(services.API)
        self.stack.up(replace(self._options, api_settings={**self._options.api_settings, **settings}))

    def kill_worker(self) -> None:
        """Kill the operator."""
        self.stack.kill(WORKER)

    def start_worker(self) -> None:
        """Start the operator."""
        self.stack.start(WORKER)


class Peer:
    """The peer, with the servers that its README describes."""

    name = PEER

    def __init__(self, directory: Path, events: StubEvents, coconut_url: str, file: bytes, access: s3.S3Access) -> None:
        run = directory / "run"
        self._port, postgres, redis = any_free_port(), any_free_port(), any_free_port()
        self._environment = child_environment() | {
            "RUN_DIR": str(run),
            "WEB_CONCURRENCY": WEB_PROCESSES,
            "PORT": str(self._port),
            "PG_PORT": str(postgres),
            "REDIS_PORT": str(redis),
            "DATABASE_URL": f"postgresql://postgres@{HOST}:{postgres}/videos",
            "REDIS_URL": f"redis://{HOST}:{redis}/0",
            "S3_ENDPOINT": access.endpoint,
            "S3_ACCESS_KEY": access.access_key,
            "S3_SECRET_KEY": access.secret_key,
            "S3_BUCKET": _PEER_BUCKET,
            "COCONUT_URL": f"{coconut_url}/v2",
            "COCONUT_API_KEY": _API_KEY,
        }
        self._run = run
        s3.client_for(access).create_bucket(Bucket=_PEER_BUCKET)
        self._script("servers.sh", "up")
        self._script("run.sh", "up")
        self.url = f"http://{HOST}:{self._port}"
        self.driver = Driver(PeerCalls(self.url), events, file)

    def down(self) -> None:
        """Stop everything."""
        self._script("run.sh", "down")
        self._script("servers.sh", "down")

    def pids(self) -> dict[str, int]:
        """Return its processes, from the files that its scripts leave."""
        files = {"puma": "puma.pid", "sidekiq": "sidekiq.pid", "postgres": "postgres/data/postmaster.pid",
                 "redis": "redis/pid"}  # fmt: skip
        found = {name: self._run / file for name, file in files.items() if (self._run / file).exists()}
        return {name: int(file.read_text().split()[0]) for name, file in found.items()}

    @property
    def address(self) -> tuple[str, int]:
        """Return where its API listens."""
        return HOST, self._port

    def request(self, method: str, path: str, number: int, body: bytes = b"") -> bytes:
        """Return one request."""
        return request(method, path, f"X-User: user-{number % _OWNERS}", body)

    def read(self, video: TimedVideo) -> bytes:
        """Return a request of its owner."""
        return request("GET", f"/api/v1/videos/{video.video_id}", f"X-User: {video.user}")

    def reset(self) -> None:
        """Remove every row and every queued job."""
        with psycopg.connect(self._environment["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("TRUNCATE videos")
        subprocess.run(
            ["redis-cli", "-p", self._environment["REDIS_PORT"], "flushall"], check=True, capture_output=True
        )

    def kill_worker(self) -> None:
        """Kill Sidekiq."""
        os.kill(self.pids()["sidekiq"], 9)

    def start_worker(self) -> None:
        """Start Sidekiq as run.sh does."""
        environment = self._environment | {
            "RAILS_ENV": "production",
            "DB_POOL": "10",
            "MALLOC_ARENA_MAX": "2",
            "PUBLIC_URL": self.url,
        }
        with (self._run / "sidekiq.log").open("ab") as log:
            started = subprocess.Popen(
                ["sidekiq", "-C", "config/sidekiq.yml", "-r", "."],
                cwd=PEER_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        (self._run / "sidekiq.pid").write_text(str(started.pid))

    def _script(self, name: str, verb: str) -> None:
        done = subprocess.run(
            [str(PEER_DIR / name), verb], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} {verb}: {done.stderr.strip() or done.stdout.strip()}")


def missing_for_peer() -> str | None:
    """Return the program that the peer needs and this machine has not, None if all are there."""
    missing = next((name for name in _PEER_NEEDS if shutil.which(name) is None), None)
    if missing is None and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return "a PostgreSQL of Debian"
    return missing


def delete_some(kubectl: Callable[..., str], path: str) -> int:
    """Delete some objects of a kind with one request, and return how many there were: kubectl sends one for each."""
    found = json.loads(kubectl("get", "--raw", f"{path}?limit=1"))
    if not found["items"]:
        return 0
    kubectl("delete", "--raw", f"{path}?limit={_DELETED_AT_ONCE}")
    return 1 + int(found["metadata"].get("remainingItemCount", 0))


def request(method: str, path: str, header: str, body: bytes = b"") -> bytes:
    """Return the bytes of one request on a persistent connection."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", header]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body


@dataclass(frozen=True)
class Bench:
    """Both sides, and what they share. ``peer`` is None where it cannot run."""

    ours: Ours
    peer: Peer | None
    coconut: Server
    coconut_url: str

    @property
    def sides(self) -> tuple[Contender, ...]:
        """Return the sides that run."""
        return (self.ours,) if self.peer is None else (self.ours, self.peer)

    def shared_pids(self) -> dict[str, int]:
        """Return the processes that both sides use."""
        pid = self.coconut.process.pid()
        shared = {"coconut stub": pid} if pid else {}
        return shared | {"s3": self.ours.stack.description.pids["s3"]}

    def transcoder(self, **settings: object) -> None:
        """Change the settings of the stub."""
        call(f"{self.coconut_url}/_settings", "PUT", json.dumps(settings).encode())


@contextmanager
def both_sides(*, with_peer: bool) -> Iterator[Bench]:
    """Start everything; the peer only where its programs are installed."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory, ExitStack() as ending:
        root = Path(directory)
        root.chmod(0o755)  # as root, Postgres runs as another user
        paths, events = Paths(root / "stack"), StubEvents()
        paths.prepare()
        coconut = _transcoder(paths, events)
        ending.callback(coconut.down)
        coconut.up()
        stack, file = Stack(paths), _clip(root)
        ending.callback(stack.down)
        ours = Ours(stack, events, coconut.address, file)
        peer = None
        if with_peer:
            (root / "peer").mkdir()
            described = stack.description.s3
            access = s3.access(paths, int(described.endpoint.rpartition(":")[2]), bucket=BUCKET_NAME)
            peer = Peer(root / "peer", events, coconut.address, file, access)
            ending.callback(peer.down)
        yield Bench(ours, peer, coconut, coconut.address)


def _transcoder(paths: Paths, events: StubEvents) -> Server:
    port = any_free_port()
    options = [f"--port={port}", f"--driver-port={events.port}", f"--api-key={_API_KEY}"]
    url = f"http://{HOST}:{port}"
    return Server(
        process=paths.process("transcoder"),
        command=Command([sys.executable, "-m", "bench.transcoder", *options], child_environment(), PROJECT_DIR),
        is_ready=lambda: is_serving(url),
        address=url,
    )


def _clip(folder: Path) -> bytes:
    """Return a real video of one second, a few kilobytes."""
    target = folder / "clip.mp4"
    Ffmpeg().generate([*_CLIP, "-pix_fmt", "yuv420p", "-f", "mp4", str(target)], folder=folder)
    return target.read_bytes()
