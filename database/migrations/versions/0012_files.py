"""Adds the folder of an attempt's files, and whether those of a deleted video were withdrawn."""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0009"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
