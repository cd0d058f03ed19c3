"""Real servers for a benchmark, on free ports and until the end of a block."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import postgres, s3
from devstack.child_environment import child_environment
from devstack.environment import JWT_AUDIENCE, JWT_ISSUER, local_s3
from devstack.http_probe import is_serving
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import HOST, Ports
from devstack.process import Command
from devstack.s3 import S3Access
from devstack.server import Server

THREADS = 16
_NOWHERE = f"http://{HOST}:1"
# Kubernetes is away, because writing the resource is not part of a response.
_NO_CLUSTER = f"""
apiVersion: v1
kind: Config
clusters: [{{name: away, cluster: {{server: "{_NOWHERE}"}}}}]
contexts: [{{name: away, context: {{cluster: away, user: none}}}}]
users: [{{name: none, user: {{}}}}]
current-context: away
"""


@dataclass(frozen=True)
class Bench:
    """The running servers and the environment of the service."""

    paths: Paths
    ports: Ports
    database_url: str
    environment: Mapping[str, str]

    def service(self) -> Server:
        """Return the API, served as in production."""
        return self._gunicorn("api", ["-c", "webapi/server/gunicorn.conf.py"])

    def bare(self) -> Server:
        """Return the bare minimum, with as many threads and workers."""
        options = ["--worker-class=gthread", f"--threads={THREADS}", "--keep-alive=75", "--no-control-socket"]
        return self._gunicorn("bare", [*options, "bench.bare:app"])

    def port_of(self, server: Server) -> int:
        """Return the port of a server."""
        return self.ports.of(server.name)

    def _gunicorn(self, name: str, arguments: list[str]) -> Server:
        bind = f"{HOST}:{self.ports.of(name)}"
        argv = [sys.executable, "-m", "gunicorn", f"--bind={bind}", *arguments]
        return Server(
            process=self.paths.process(name),
            command=Command(argv, {**self.environment, "BIND": bind}, PROJECT_DIR),
            is_ready=lambda: is_serving(f"http://{bind}/livez"),
            address=bind,
        )


@contextmanager
def bench(*, with_storage: bool = False) -> Iterator[Bench]:
    """Start Postgres with the schema, and storage with a bucket if the benchmark needs it."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory, ExitStack() as ending:
        root = Path(directory)
        root.chmod(0o755)  # as root, Postgres runs as another user
        paths = Paths(root)
        ports = Ports(root / "ports.json", prefer_fixed=False)
        port, password = ports.of(postgres.NAME), paths.secrets().postgres_password
        started(postgres.server(paths, port), ending)
        postgres.create_role_and_database(port, password=password)
        database_url = postgres.url(port, password=password)
        environment = _environment(paths, database_url, _storage(paths, ports, ending if with_storage else None))
        subprocess.run(
            [sys.executable, "-m", "database.migrations", "upgrade"], cwd=PROJECT_DIR, env=environment, check=True
        )
        yield Bench(paths, ports, database_url, environment)


def started(server: Server, ending: ExitStack) -> Server:
    """Start a server until the end of a block."""
    ending.callback(server.down)
    server.up()
    return server


def _storage(paths: Paths, ports: Ports, ending: ExitStack | None) -> S3Access:
    """Return the access to storage. Signing needs no running server."""
    access = s3.access(paths, ports.of(s3.NAME), bucket="bench")
    if ending is not None:
        started(s3.server(paths, ports.of(s3.NAME)), ending)
        s3.create_accounts(access)
        s3.create_bucket(access, allowed_origins=["http://127.0.0.1"])
    return access


def _environment(paths: Paths, database_url: str, access: S3Access) -> dict[str, str]:
    kubeconfig = paths.root / "away.kubeconfig"
    kubeconfig.write_text(_NO_CLUSTER)
    secrets = paths.secrets()
    own = {
        "DATABASE_URL": database_url,
        "KUBECONFIG": str(kubeconfig),
        "JWT_SIGNING_KEY": secrets.jwt_signing_key,
        "JWT_ISSUER": JWT_ISSUER,
        "JWT_AUDIENCE": JWT_AUDIENCE,
        "WEBHOOK_SIGNING_KEYS": secrets.webhook_signing_key,
        "THREADS": str(THREADS),
        "DRAIN_SECONDS": "0",
    }
    return child_environment() | local_s3(access) | own
