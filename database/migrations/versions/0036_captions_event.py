"""Notifications about captions, of which an edition can have many."""

from database.migrations.statements import run_one_by_one

revision = "0036"
down_revision = "0032"


def upgrade() -> None:
    """Run the statements beside this file."""
    run_one_by_one(__file__)
