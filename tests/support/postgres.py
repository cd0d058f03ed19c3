"""Databases for tests: one that is away, and one whose clock and reachability the test sets."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from database.pool import Connection, Database
from domain.errors import UnavailableError


class Unreachable(Database):
    """No Postgres at all: every question raises UnavailableError."""

    is_away = True

    def __init__(self) -> None:
        """Open no pool."""

    def set_clock(self, now: datetime) -> None:
        """Do nothing: there is no clock to set."""

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Raise what the real one raises when Postgres is away."""
        raise UnavailableError("asking Postgres: OperationalError at db.internal:5432")
        yield


class ClockedDatabase(Database):
    """A pool on a database of `clocked_database`, with a switch that makes Postgres unreachable."""

    is_away = False

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection, unless the switch is set."""
        if self.is_away:
            raise UnavailableError("asking Postgres: OperationalError at db.internal:5432")
        with super().connection() as connection:
            yield connection

    def set_clock(self, now: datetime) -> None:
        """Set the time that Postgres stores and compares."""
        with super().connection() as connection:
            connection.execute("UPDATE test_clock SET now = %s", [now])

    def clear(self) -> None:
        """Delete every row."""
        with super().connection() as connection:
            delete_rows(connection)


def delete_rows(connection: "psycopg.Connection[Any]") -> None:
    """Delete every row of the product; what refers to a video or an endpoint goes with it."""
    for table in (
        "videos",
        "transcode_profiles",
        "webhook_endpoints",
        "notifications",
        "tombstones",
        "quarantine",
        "rollouts",
    ):
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
