"""Indices of the list of all owners' videos, built while the service works."""

from database.migrations.statements import run_one_by_one

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Run the statements beside this file."""
    run_one_by_one(__file__)
