"""Notifications about captions, of which an edition can have many."""

from pathlib import Path

from alembic import op

revision = "0036"
down_revision = "0032"


def upgrade() -> None:
    """Run the statements beside this file one by one: Postgres builds no index concurrently in a transaction.

    What an interrupted run leaves is removed by the next one.
    """
    statements = Path(__file__).with_suffix(".sql").read_text().split(";\n")
    with op.get_context().autocommit_block():
        for statement in statements:
            if statement.strip():
                op.execute(statement)
