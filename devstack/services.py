"""The product's own processes: the migrations, the API and the operator."""

import subprocess
import sys
from collections.abc import Mapping

from devstack.environment import ServiceConfig
from devstack.http_probe import is_serving
from devstack.paths import PROJECT_DIR, Paths
from devstack.ports import HOST, any_free_port
from devstack.process import Command
from devstack.server import PartFailedError, Server

API = "api"
OPERATOR = "operator"


def migrate(config: ServiceConfig) -> None:
    """Migrate the schema to this checkout's version."""
    done = subprocess.run(
        [sys.executable, "-m", "database.migrations", "upgrade"],
        cwd=PROJECT_DIR,
        env=config.for_migrations(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PartFailedError(f"python -m database.migrations upgrade: {(done.stderr or done.stdout).strip()}")


def api(paths: Paths, config: ServiceConfig) -> Server:
    """Return the API under gunicorn."""
    argv = [sys.executable, "-m", "gunicorn", "-c", "webapi/server/gunicorn.conf.py", "webapi.wsgi:app"]
    return Server(
        process=paths.process(API),
        command=Command(argv, config.for_api(), PROJECT_DIR),
        is_ready=lambda: is_serving(f"{config.api_url}/readyz"),
        address=config.api_url,
    )


def operator(paths: Paths, config: ServiceConfig) -> Server:
    """Return the operator. A standby is ready too.

    Started again, it is what a kubelet starts in the same pod: it has its predecessor's name, and so its Lease at once.
    """
    return _operator(paths, OPERATOR, {**config.for_operator(), "POD_NAME": OPERATOR})


def another_operator(paths: Paths, config: ServiceConfig, name: str, settings: Mapping[str, str]) -> Server:
    """Return an operator beside the first one, under its own name and with extra settings."""
    own = {"PROBE_PORT": str(any_free_port()), "POD_NAME": name}
    return _operator(paths, name, {**config.for_operator(), **own, **settings})


def _operator(paths: Paths, name: str, environment: Mapping[str, str]) -> Server:
    url = f"http://{HOST}:{environment['PROBE_PORT']}"
    return Server(
        process=paths.process(name),
        command=Command([sys.executable, "-m", "controller"], environment, PROJECT_DIR),
        is_ready=lambda: is_serving(f"{url}/readyz"),
        address=url,
    )
