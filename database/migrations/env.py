"""What alembic runs for each command: one transaction for each revision, on the connection it was handed.

The advisory lock that keeps two processes apart is taken in __main__, before alembic reads the version.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
