"""The checksum of a file, as its client declares it."""

from pathlib import Path

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
