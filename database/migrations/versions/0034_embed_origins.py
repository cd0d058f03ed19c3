"""Which sites may show a video, as its owner allows them."""

from pathlib import Path

from alembic import op

revision = "0034"
down_revision = "0036"


def upgrade() -> None:
    """Apply the SQL beside this file."""
    op.execute(Path(__file__).with_suffix(".sql").read_text())
