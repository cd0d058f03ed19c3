"""`python -m database.migrations upgrade`: bring the schema to what this release needs.

Safe from several processes at once: the second waits for the first and then finds nothing to do.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from database import locks
from database.settings import DatabaseSettings
from runtime.logs import redact
from runtime.settings import read_settings

_LOCK_PAUSE_SECONDS = 0.2


def upgrade(database_url: str, *, to: str = "head") -> str:
    """Apply what is missing up to a revision, and return the one the schema is at now.

    Raises sqlalchemy.exc.OperationalError when Postgres does not answer.
    """
    # psycopg reads the URL, as everywhere else: SQLAlchemy's parser differs, and turns `?schema=` into a traceback.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url, connect_timeout=10)
    )
    try:
        with engine.connect() as connection:
            _wait_for_lock(connection)
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            connection.commit()
            return MigrationContext.configure(connection).get_current_revision() or ""
    except sqlalchemy.exc.PendingRollbackError as error:
        # alembic ends its transaction on the connection that was lost, which hides how it was lost.
        raise (error.__context__ if isinstance(error.__context__, sqlalchemy.exc.OperationalError) else error) from None
    finally:
        engine.dispose()


def _wait_for_lock(connection: sqlalchemy.Connection) -> None:
    """Take the lock, which belongs to the session: an open transaction would hold back vacuum.

    Ask again and again instead of waiting in Postgres: a process that builds an index concurrently waits for every
    statement that began before, and so for this one.
    """
    while not connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (locks.MIGRATIONS,)).scalar():
        connection.commit()
        time.sleep(_LOCK_PAUSE_SECONDS)
    connection.commit()


def main() -> int:
    """Run from the command line; DATABASE_URL names the database."""
    parser = argparse.ArgumentParser(prog="python -m database.migrations", description=__doc__)
    parser.add_argument("command", choices=["upgrade"])
    parser.parse_args()
    settings = read_settings(DatabaseSettings, process="the upgrade of the schema")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        revision = upgrade(settings.database_url.get_secret_value())
    except sqlalchemy.exc.OperationalError as error:
        sys.stderr.write(f"upgrading the schema: Postgres does not answer: {redact(str(error.orig))}\n")
        return 1
    sys.stdout.write(f"schema is at {revision}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
