"""The API as a process under gunicorn, and calls to it as any user."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import requests

from devstack.environment import local_s3
from devstack.paths import PROJECT_DIR
from devstack.s3 import S3Access
from tests.support.eventually import eventually

# Long enough for HS512 too, so that only the algorithm can be what is refused.
JWT_SIGNING_KEY = "a signing key of the integration tests, with the 64 bytes HS512 asks for"
CALLBACK_KEY = "a callback key of the integration tests"
PLAYBACK_KEY = "a playback key of the integration tests with the 64 bytes that HS512 asks for"
ISSUER = "https://login.example.com"
AUDIENCE = "video-uploads"
A_VIDEO = {"title": "Cats", "filename": "cats.mp4", "content_type": "video/mp4"}

# The credentials that a Secret holds.
FROM_FILES = {"DATABASE_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY", "WEBHOOK_SIGNING_KEYS", "JWT_SIGNING_KEY"}

_LISTENING = re.compile(rb"Listening at: (http://127\.0\.0\.1:\d+)")

# No unprivileged process listens on this port.
_NOWHERE = "http://127.0.0.1:1"
_NO_CLUSTER = f"""
apiVersion: v1
kind: Config
clusters: [{{name: away, cluster: {{server: "{_NOWHERE}"}}}}]
contexts: [{{name: away, context: {{cluster: away, user: nobody}}}}]
users: [{{name: nobody, user: {{}}}}]
current-context: away
"""


class ApiProcess:
    """A running API."""

    def __init__(self, process: subprocess.Popen[bytes], log_file: Path) -> None:
        self._process = process
        self._log_file = log_file
        self.url = eventually(self._listening)

    def call(
        self, method: str, path: str, *, user: str = "ann", headers: Mapping[str, str] | None = None, **sent: Any
    ) -> requests.Response:
        """Make a call as ``user``."""
        all_headers = {"Authorization": f"Bearer {token(user)}", **(headers or {})}
        return requests.request(method, self.url + path, headers=all_headers, timeout=20, **sent)

    def create(self, **changes: object) -> dict[str, Any]:
        """Ask for an upload and return the answer."""
        answer = self.call("POST", "/api/v1/videos", json={**A_VIDEO, **changes})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def send_file(self, created: Mapping[str, Any], body: bytes) -> None:
        """Do what the answer to `create` says."""
        answer = requests.request(
            created["method"], created["upload_url"], headers=created["headers"], data=body, timeout=20
        )
        assert answer.status_code == 200, answer.text

    def send_raw(self, request: bytes) -> bytes:
        """Send bytes that no client library would send, and return all that comes back."""
        with self.connect() as connection:
            connection.sendall(request)
            return all_of(connection)

    def connect(self) -> socket.socket:
        """Open a connection and send nothing."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return socket.create_connection((host, int(port)), timeout=20)

    def probe(self, path: str) -> int:
        """Return the status that a probe sees."""
        return requests.get(self.url + path, timeout=20).status_code

    def log(self) -> str:
        """Return everything the process wrote."""
        return self._log_file.read_text()

    def terminate(self) -> None:
        """Ask it to stop, as Kubernetes does."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word: the master first, or it would start another worker."""
        for pid in (self.pid, *self.workers()):
            os.kill(pid, signal.SIGKILL)
        self._process.wait(30)

    def workers(self) -> list[int]:
        """Return the process ids of its workers, in the order of their start."""
        arbiter = self.pid
        pids = Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
        return [int(pid) for pid in pids if _has_not_ended(pid)]

    @property
    def pid(self) -> int:
        """Return the process id of the arbiter."""
        return self._process.pid

    def exit_code(self, *, within_seconds: float = 30) -> int:
        """Wait for its end."""
        return self._process.wait(within_seconds)

    def _listening(self) -> str:
        if self._process.poll() is not None:
            raise RuntimeError(f"the API ended: {self.log()}")
        found = _LISTENING.search(self._log_file.read_bytes())
        assert found, "it does not listen yet"
        return found[1].decode()


def _has_not_ended(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def environment_of(database_url: str, s3: S3Access, kubeconfig: Path, **changes: str) -> dict[str, str]:
    """Return the environment of an API."""
    defaults = {
        "PATH": os.environ["PATH"],
        "BIND": "127.0.0.1:0",
        "DATABASE_URL": database_url,
        "KUBECONFIG": str(kubeconfig),
        "JWT_SIGNING_KEY": JWT_SIGNING_KEY,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "WEBHOOK_SIGNING_KEYS": CALLBACK_KEY,
        "PLAYBACK_SIGNING_KEYS": PLAYBACK_KEY,
        "EMBED_ORIGINS": "*",
        "API_BASE_URL": "https://api.example.com",
        "DRAIN_SECONDS": "0",
        "REGION": "tor1",  # which the calls of the hostile tables name
        "CHANGES_PER_MINUTE": "100000",
        "CALLS_PER_MINUTE": "1000000",
    }
    return defaults | local_s3(s3) | changes


def without_upstreams(directory: Path) -> dict[str, str]:
    """Return the environment of an API whose upstreams never answer."""
    s3 = S3Access(
        _NOWHERE,
        "us-east-1",
        "key",
        "secret",
        "reader",
        "secret",
        "uploader",
        "secret",
        "writer",
        "secret",
        "viewer",
        "secret",
        "raw",
        "processed",
    )
    return environment_of("postgresql://nobody@127.0.0.1:1/nothing", s3, without_cluster(directory))


def without_cluster(directory: Path, *, server: str = _NOWHERE) -> Path:
    """Return the kubeconfig of an API server that does not answer."""
    file = directory / "away.kubeconfig"
    file.write_text(_NO_CLUSTER.replace(_NOWHERE, server))
    return file


@contextmanager
def running(environment: Mapping[str, str], directory: Path) -> Iterator[ApiProcess]:
    """Run the API until the end of the block."""
    log_file = directory / "api.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(gunicorn(), cwd=PROJECT_DIR, env=dict(environment), stdout=log, stderr=log)
    try:
        yield ApiProcess(process, log_file)
    finally:
        process.terminate()
        process.wait(30)


def ended(environment: Mapping[str, str]) -> tuple[int, str]:
    """Start an API that ends by itself; returns its exit code and everything it wrote."""
    process = subprocess.run(
        gunicorn(), cwd=PROJECT_DIR, env=dict(environment), capture_output=True, text=True, timeout=60, check=False
    )
    return process.returncode, process.stdout + process.stderr


def migrated(environment: Mapping[str, str]) -> tuple[int, str]:
    """Run the migrations; returns their exit code and everything they wrote."""
    process = subprocess.run(
        [sys.executable, "-m", "database.migrations", "upgrade"],
        cwd=PROJECT_DIR, env={"PATH": os.environ["PATH"], **environment},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return process.returncode, process.stdout + process.stderr


def all_of(connection: socket.socket) -> bytes:
    """Return everything the API sends until it closes."""
    return b"".join(iter(lambda: connection.recv(4096), b""))


def status_for(api: ApiProcess, signing_key: str) -> int:
    """Return the status of a call whose token is signed with this key."""
    claims = {"sub": "ann", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600}
    bearer = jwt.encode(claims, signing_key, algorithm="HS256")
    answer = requests.get(f"{api.url}/api/v1/videos", headers={"Authorization": f"Bearer {bearer}"}, timeout=20)
    return answer.status_code


def gunicorn() -> list[str]:
    """Return the command that starts the API."""
    return [sys.executable, "-m", "gunicorn", "-c", "webapi/server/gunicorn.conf.py"]


def token(user: str, **claims: object) -> str:
    """Return a token for ``user``."""
    all_claims = {"sub": user, "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, **claims}
    return jwt.encode(all_claims, JWT_SIGNING_KEY, algorithm="HS256")
