"""Databases of one test each on the session's real Postgres server."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from devstack import postgres


@contextmanager
def fresh_database(postgres_url: str, *, migrated: bool = True) -> Iterator[str]:
    """Clone the database of ``postgres_url``, or make an empty one, and drop it at the end of the block."""
    server_url, _, template = postgres_url.rpartition("/")
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server_url}/{postgres.ROLE}", autocommit=True) as asking:
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        asking.execute(clone.format(sql.Identifier(name), sql.Identifier(template if migrated else "template1")))
        yield f"{server_url}/{name}"
        _drop(asking, name)


def _drop(asking: psycopg.Connection, name: str) -> None:
    """Drop a database together with the connections that a test left open.

    Not by FORCE: that is refused while a worker of the server's own (autovacuum) is in there, which a plain DROP
    sends away.
    """
    asking.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = current_user",
        (name,),
    )
    asking.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
