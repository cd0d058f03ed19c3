"""The connection pool, and the translation of psycopg's errors into ours. No table is named here.

No call here waits without an end. Postgres' own timeouts end a statement that takes too long, but not the wait for a
server that has stopped, or for a network that swallows packets: the kernel answers keepalives for a stopped process.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout, TooManyRequests
from pydantic_core import from_json

from domain.errors import UnavailableError
from runtime.bulkhead import Bulkhead
from runtime.clock import SharedClock

Connection = psycopg.Connection[DictRow]
_Result = TypeVar("_Result")

# Longer than any statement here should take, shorter than the API's request limit and the operator's shutdown grace.
_TIMEOUT_SECONDS = 5.0
# The client waits longer than the server works, so that a slow statement ends with the server's error.
_CLIENT_FACTOR = 1.2
_SESSION = "SELECT set_config('statement_timeout', %s, false), set_config('TimeZone', 'UTC', false)"
_CONNECT_TIMEOUT_SECONDS = 3
# A thread stops waiting for a connection when no call has begun or ended for so long; statements take milliseconds.
_PATIENCE_SECONDS = 0.5

# If the server's machine is lost, no answer comes and no Postgres timeout ends the wait: Linux would take a quarter of
# an hour by default, or two hours on an idle connection.
KEEPALIVE_OPTIONS = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class DeadlineConnection(Connection):
    """A connection that is closed when the server has not answered a statement in time."""

    timeout_seconds = _TIMEOUT_SECONDS
    opened_at = math.inf

    def wait(self, gen: PQGen[_Result], interval: float = 0.1, timeout: float | None = None) -> _Result:
        """Wait for the server's answer. Raises OperationalError when the time is over, and the connection is lost."""
        deadline = self.timeout_seconds * _CLIENT_FACTOR if timeout is None else timeout
        try:
            return super().wait(gen, interval, deadline)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                # An answer that comes later would be taken for that to the next statement.
                self.pgconn.finish()
            raise


class Database:
    """Connections to one Postgres, shared by the threads of one process."""

    def __init__(
        self,
        url: str,
        *,
        max_size: int,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        clock: SharedClock | None = None,
    ) -> None:
        """Open the pool without waiting for Postgres.

        ``timeout_seconds`` bounds each statement, and the wait for a connection. At most ``max_size`` threads call
        Postgres at a time. ``clock`` learns Postgres' time: before the first call on a connection, then once a minute.
        """
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._bulkhead = Bulkhead("Postgres", at_most=max_size, patience_seconds=_PATIENCE_SECONDS)
        self._lock = threading.Lock()
        self._drained_at = -math.inf
        self._pool: ConnectionPool[DeadlineConnection] = ConnectionPool(
            url,
            connection_class=DeadlineConnection,
            min_size=1,
            max_size=max_size,
            timeout=min(timeout_seconds, _CONNECT_TIMEOUT_SECONDS),
            # The pool doubles its pauses between tries, so after an outage it could stay disconnected for as long
            # again. After this timeout it stops trying, and the next caller makes it start over.
            reconnect_timeout=_CONNECT_TIMEOUT_SECONDS,
            open=True,
            configure=self._configure,
            kwargs={
                # So that a read is one round trip; a caller that needs a transaction uses transaction().
                "autocommit": True,
                "row_factory": dict_row,
                "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
                "application_name": "video-uploads",
                **KEEPALIVE_OPTIONS,
            },
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection in autocommit. Raises UnavailableError when Postgres cannot be reached or hangs."""
        with (
            self._bulkhead.slot(),
            _translated_errors(),
            self._pool.connection() as connection,
            self._drop_if_lost(connection),
        ):
            self._measure_time(connection)
            yield connection

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

    def _configure(self, connection: DeadlineConnection) -> None:
        connection.timeout_seconds, connection.opened_at = self._timeout_seconds, time.monotonic()
        # Not as startup parameters: PgBouncer refuses `options`, or ignores it if so configured.
        connection.execute(_SESSION, [str(math.ceil(self._timeout_seconds * 1000))])
        # The standard library would take longer to parse a row's objects than the select takes.
        set_json_loads(from_json, connection)

    def _measure_time(self, connection: DeadlineConnection) -> None:
        clock = self._clock
        began = None if clock is None else clock.begin()
        if clock is None or began is None:
            return
        row = connection.execute("SELECT clock_timestamp() AS now").fetchone()
        if row is not None:
            clock.measured(row["now"], began=began)

    @contextmanager
    def _drop_if_lost(self, connection: DeadlineConnection) -> Iterator[None]:
        """Close the connection to a server that hangs or has become read-only: the next one may reach another."""
        try:
            yield
        except psycopg.errors.ReadOnlySqlTransaction:
            connection.close()
            raise
        except psycopg.OperationalError:
            if connection.closed:
                self._drop_idle(connection)
            raise

    def _drop_idle(self, lost: DeadlineConnection) -> None:
        """Replace the idle connections too: one that is lost suggests that all are, and each would fail a caller."""
        with self._lock:
            if lost.opened_at <= self._drained_at:
                return
            self._drained_at = time.monotonic()
        self._pool.drain()


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (PoolTimeout, PoolClosed, TooManyRequests) as error:
        raise UnavailableError("waiting for a connection to Postgres: none became free") from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise UnavailableError("asking Postgres: this server is read-only") from error
    except psycopg.OperationalError as error:
        raise UnavailableError(f"asking Postgres: {type(error).__name__}") from error
