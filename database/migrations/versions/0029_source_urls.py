"""URLs from which the operator fetches files, and how far it is."""

from pathlib import Path

from alembic import op

revision = "0029"
down_revision = "0026"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
