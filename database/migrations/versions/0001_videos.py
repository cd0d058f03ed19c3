"""Creates videos, paid attempts, job claims and the history."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the first schema from the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
