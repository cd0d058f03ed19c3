"""Our own processes: the migrations, which end, and the API and the operator, which stay."""

import subprocess
import sys

from devstack.asking import answers
from devstack.environment import World
from devstack.place import PROJECT_DIR, Place
from devstack.ports import HOST
from devstack.process import Command
from devstack.server import PartFailedError, Server

API = "api"
OPERATOR = "operator"


def migrate(world: World) -> None:
    """Bring the schema to what this checkout needs."""
    done = subprocess.run(
        [sys.executable, "-m", "desired.migrations", "upgrade"],
        cwd=PROJECT_DIR,
        env=world.for_migrations(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PartFailedError(f"python -m desired.migrations upgrade: {(done.stderr or done.stdout).strip()}")


def api(place: Place, world: World) -> Server:
    """Return the API under gunicorn."""
    argv = [sys.executable, "-m", "gunicorn", "-c", "webapi/gunicorn.conf.py", "webapi.wsgi:app"]
    return Server(
        process=place.process(API),
        command=Command(argv, world.for_api(), PROJECT_DIR),
        is_ready=lambda: answers(f"{world.api_url}/readyz"),
        address=world.api_url,
    )


def operator(place: Place, world: World) -> Server:
    """Return the operator. It is ready as a standby too: after a kill the Lease takes its time to expire."""
    url = f"http://{HOST}:{world.operator_port}"
    return Server(
        process=place.process(OPERATOR),
        command=Command([sys.executable, "-m", "controller"], world.for_operator(), PROJECT_DIR),
        is_ready=lambda: answers(f"{url}/readyz"),
        address=url,
    )
