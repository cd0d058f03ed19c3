"""Our own processes: the migrations, which end, and the API and the operator, which stay."""

import subprocess
import sys
from collections.abc import Mapping

from devstack.asking import answers
from devstack.environment import World
from devstack.place import PROJECT_DIR, Place
from devstack.ports import HOST, any_free_port
from devstack.process import Command
from devstack.server import PartFailedError, Server

API = "api"
OPERATOR = "operator"


def migrate(world: World) -> None:
    """Bring the schema to what this checkout needs."""
    done = subprocess.run(
        [sys.executable, "-m", "database.migrations", "upgrade"],
        cwd=PROJECT_DIR,
        env=world.for_migrations(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PartFailedError(f"python -m database.migrations upgrade: {(done.stderr or done.stdout).strip()}")


def api(place: Place, world: World) -> Server:
    """Return the API under gunicorn."""
    argv = [sys.executable, "-m", "gunicorn", "-c", "webapi/server/gunicorn.conf.py", "webapi.wsgi:app"]
    return Server(
        process=place.process(API),
        command=Command(argv, world.for_api(), PROJECT_DIR),
        is_ready=lambda: answers(f"{world.api_url}/readyz"),
        address=world.api_url,
    )


def operator(place: Place, world: World) -> Server:
    """Return the operator. It is ready as a standby too: after a kill the Lease takes its time to expire."""
    return _operator(place, OPERATOR, world.for_operator())


def another_operator(place: Place, world: World, name: str, settings: Mapping[str, str]) -> Server:
    """Return an operator beside the first one, with settings and a name of its own."""
    own = {"PROBE_PORT": str(any_free_port()), "POD_NAME": name}
    return _operator(place, name, {**world.for_operator(), **own, **settings})


def _operator(place: Place, name: str, environment: Mapping[str, str]) -> Server:
    url = f"http://{HOST}:{environment['PROBE_PORT']}"
    return Server(
        process=place.process(name),
        command=Command([sys.executable, "-m", "controller"], environment, PROJECT_DIR),
        is_ready=lambda: answers(f"{url}/readyz"),
        address=url,
    )
