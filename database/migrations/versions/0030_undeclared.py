"""Files of undeclared size that are waited for longer than an hour."""

from pathlib import Path

from alembic import op

revision = "0030"
down_revision = "0028"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
