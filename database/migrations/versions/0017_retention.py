"""Adds the retention of failed uploads."""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0013"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
