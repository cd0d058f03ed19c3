"""Posters that owners choose: what they want, what is public, and the pictures."""

from pathlib import Path

from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
