"""The connection pool, and the translation of psycopg's errors into ours. No table is named here."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests
from pydantic_core import from_json

from domain.errors import UnavailableError

Connection = psycopg.Connection[DictRow]

# Longer than any statement here should take, shorter than the API's request limit and the operator's shutdown grace.
_STATEMENT_TIMEOUT_MS = 5_000
_CONNECT_TIMEOUT_SECONDS = 3

# If the server's machine is lost, no answer comes and no Postgres timeout ends the wait: Linux would take a quarter of
# an hour by default, or two hours on an idle connection.
KEEPALIVE_OPTIONS = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class Database:
    """Connections to one Postgres, shared by the threads of one process."""

    def __init__(self, url: str, *, max_size: int, timeout_seconds: float = 3) -> None:
        """Open the pool without waiting for Postgres; ``timeout_seconds`` bounds the wait for a connection."""
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=max_size,
            timeout=timeout_seconds,
            max_waiting=max_size * 16,
            # The pool doubles its pauses between tries, so after an outage it could stay disconnected for as long
            # again. After this timeout it stops trying, and the next caller makes it start over.
            reconnect_timeout=_CONNECT_TIMEOUT_SECONDS,
            open=True,
            configure=_use_fast_json,
            kwargs={
                # So that a read is one round trip; a caller that needs a transaction uses transaction().
                "autocommit": True,
                "row_factory": dict_row,
                "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
                "options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c timezone=UTC",
                "application_name": "video-uploads",
                **KEEPALIVE_OPTIONS,
            },
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection in autocommit. Raises UnavailableError when Postgres cannot be reached."""
        try:
            with self._pool.connection() as connection, _drop_read_only_connection(connection):
                yield connection
        except (PoolTimeout, PoolClosed, TooManyRequests) as error:
            raise UnavailableError("waiting for a connection to Postgres: none became free") from error
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise UnavailableError("asking Postgres: this server is read-only") from error
        except psycopg.OperationalError as error:
            # One dead connection suggests a restart: check all of them, so that each does not fail another caller.
            self._pool.check()
            raise UnavailableError(f"asking Postgres: {type(error).__name__}") from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection inside one transaction: committed at the end, rolled back on any error."""
        with self.connection() as connection, connection.transaction():
            yield connection

    def check(self) -> None:
        """Check that Postgres answers. Raises UnavailableError."""
        with self.connection() as connection:
            connection.execute("SELECT 1")

    def close(self) -> None:
        """Close every connection; later calls raise UnavailableError."""
        self._pool.close()


@contextmanager
def _drop_read_only_connection(connection: Connection) -> Iterator[None]:
    """Close a connection to a server that has become read-only: the next one may reach the new primary."""
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction:
        connection.close()
        raise


def _use_fast_json(connection: Connection) -> None:
    """Parse JSON with pydantic: the standard library would take longer for a row's objects than the select."""
    set_json_loads(from_json, connection)
