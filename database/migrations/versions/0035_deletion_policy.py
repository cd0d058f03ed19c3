"""What becomes of an import's video when its resource is deleted."""

from pathlib import Path

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
