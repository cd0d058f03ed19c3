"""Rollouts: libraries that are transcoded anew because their profile changed."""

from pathlib import Path

from alembic import op

revision = "0027"
down_revision = "0029"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
