"""`python -m database.migrations upgrade`: bring the schema to what this release needs.

Safe from several processes at once: the second waits for the first and then finds nothing to do.
"""

import argparse
import logging
import sys
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


def upgrade(database_url: str) -> str:
    """Apply what is missing and return the revision the schema is at now.

    Raises sqlalchemy.exc.OperationalError when Postgres does not answer.
    """
    # psycopg reads the URL, as everywhere else: SQLAlchemy's parser differs, and turns `?schema=` into a traceback.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(database_url, connect_timeout=10)
    )
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (locks.MIGRATIONS,))
            connection.commit()  # the lock belongs to the session; an open transaction would hold back vacuum
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
            return MigrationContext.configure(connection).get_current_revision() or ""
    finally:
        engine.dispose()


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
