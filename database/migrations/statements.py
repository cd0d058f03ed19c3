"""Runs the SQL beside a migration outside a transaction, where Postgres builds indices while the service works."""

from pathlib import Path

from alembic import op


def run_one_by_one(migration: str) -> None:
    """Run each statement of the file beside ``migration``, the path of its module, in a transaction of its own.

    What an interrupted run leaves has to be removed by the statements themselves: the next run begins with the first.
    """
    statements = Path(migration).with_suffix(".sql").read_text().split(";\n")
    with op.get_context().autocommit_block():
        for statement in statements:
            if statement.strip():
                op.execute(statement)
