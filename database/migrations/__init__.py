"""The schema and the one way to change it: expand, move, contract; see docs/decisions/0008-alembic.md."""
