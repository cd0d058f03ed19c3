"""Postgres behind PgBouncer in session mode, configured as Debian's package is."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from database.commands import VideoCommands
from database.migrations.__main__ import upgrade
from database.pool import Database
from database.wakeups import listen
from devstack.ports import HOST, any_free_port
from domain.schedule import Timing
from tests.support.builders.videos import a_new_video
from tests.support.eventually import eventually

_CONFIGURATION = """
[databases]
{name} = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = session
"""


@pytest.fixture
def pooled_url(database_url: str) -> Iterator[str]:
    """The test's database through PgBouncer. It does not run as root, so its directory is not below pytest's."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program is not None, "apt-get install pgbouncer"
    parts = urlsplit(database_url)
    name, port = parts.path.removeprefix("/"), any_free_port()
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o755)
        file = Path(directory) / "pgbouncer.ini"
        configuration = {"name": name, "host": parts.hostname, "port": parts.port, "own_port": port}
        file.write_text(_CONFIGURATION.format(user=parts.username, password=parts.password or "''", **configuration))
        user = ["-u", "nobody"] if getpass.getuser() == "root" else []
        with subprocess.Popen([program, "-q", *user, str(file)]) as process:
            try:
                eventually(lambda: _answers(port), within_seconds=10)
                yield f"postgresql://{parts.username}@{HOST}:{port}/{name}"
            finally:
                process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((HOST, port)) == 0


def test_the_pool_works_and_keeps_its_session_settings(pooled_url: str) -> None:
    database = Database(pooled_url, max_size=2)
    try:
        with database.connection() as connection:
            shown = [connection.execute(f"SHOW {name}").fetchone() for name in ("statement_timeout", "timezone")]
        row = VideoCommands(database, Timing()).create(a_new_video(), per_hour=10).row
    finally:
        database.close()
    assert shown == [{"statement_timeout": "5s"}, {"TimeZone": "UTC"}]
    assert row.desired.owner == "ann"


def test_migrations_and_nudges_pass_through(pooled_url: str) -> None:
    assert upgrade(pooled_url)
    assert next(listen(pooled_url, quiet_seconds=1)) is None
