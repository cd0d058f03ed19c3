"""Webhook endpoints that administrators register. Secrets are written here and never returned: only
database/outbox.py reads them, to sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import DictRow

from database.locks import lock_endpoints
from database.pool import Connection, Database
from domain.notifications import NotificationKind, WebhookFormat

ENDPOINTS_MAX = 16
# The current one, its replacement, and a spare in case a rotation was interrupted.
SECRETS_MAX = 3

_SELECT = """
SELECT endpoint_id, created_at, url, description, kinds, format, disabled_at, disabled_reason, held_until,
       (SELECT jsonb_agg(jsonb_build_object('secret_id', secret_id, 'created_at', webhook_secrets.created_at)
                         ORDER BY webhook_secrets.created_at, secret_id)
        FROM webhook_secrets WHERE webhook_secrets.endpoint_id = webhook_endpoints.endpoint_id) AS secrets
FROM webhook_endpoints
"""
_ALL = _SELECT + "ORDER BY created_at, endpoint_id"
_GET = _SELECT + "WHERE endpoint_id = %(endpoint_id)s"
_COUNT = "SELECT count(*) AS count FROM webhook_endpoints"
_CREATE = """
INSERT INTO webhook_endpoints (url, description, kinds, format)
VALUES (%(url)s, %(description)s, %(kinds)s, %(format)s)
RETURNING endpoint_id
"""
# Enabling an endpoint clears the pause that it had requested.
_CHANGE = """
UPDATE webhook_endpoints SET
    url = coalesce(%(url)s, url), description = coalesce(%(description)s, description),
    kinds = coalesce(%(kinds)s, kinds), format = coalesce(%(format)s, format),
    disabled_at = CASE %(is_enabled)s::boolean WHEN false THEN coalesce(disabled_at, clock_timestamp())
                                               WHEN true THEN NULL ELSE disabled_at END,
    disabled_reason = CASE %(is_enabled)s::boolean WHEN false THEN coalesce(disabled_reason, 'person')
                                                   WHEN true THEN NULL ELSE disabled_reason END,
    held_until = CASE %(is_enabled)s::boolean WHEN true THEN NULL ELSE held_until END
WHERE endpoint_id = %(endpoint_id)s
"""
_DELETE = "DELETE FROM webhook_endpoints WHERE endpoint_id = %(endpoint_id)s"
_ADD_SECRET = "INSERT INTO webhook_secrets (endpoint_id, secret) VALUES (%(endpoint_id)s, %(secret)s)"  # noqa: S105
_REMOVE_SECRET = "DELETE FROM webhook_secrets WHERE endpoint_id = %(endpoint_id)s AND secret_id = %(secret_id)s"  # noqa: S105


class TooManyError(Exception):
    """The limit of endpoints, or of secrets of one endpoint, is reached."""


class LastSecretError(Exception):
    """Without this secret nothing could be signed any more."""


@dataclass(frozen=True)
class SecretRow:
    """A secret's id and age, without the secret."""

    secret_id: UUID
    created_at: datetime


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint and the kinds it receives. ``held_until``: the endpoint asked for no deliveries until then."""

    endpoint_id: UUID
    created_at: datetime
    url: str
    description: str
    kinds: tuple[NotificationKind, ...]
    disabled_at: datetime | None
    disabled_reason: str | None
    held_until: datetime | None
    secrets: tuple[SecretRow, ...]
    format: WebhookFormat = WebhookFormat.STANDARD


@dataclass(frozen=True)
class EndpointChange:
    """The fields to change; None leaves a field as it is."""

    url: str | None = None
    description: str | None = None
    kinds: Sequence[NotificationKind] | None = None
    is_enabled: bool | None = None
    format: WebhookFormat | None = None


class Endpoints:
    """All endpoints. Every method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[EndpointRow]:
        """Return every endpoint, oldest first: there are few."""
        with self._database.connection() as connection:
            return [_row(columns) for columns in connection.execute(_ALL).fetchall()]

    def get(self, endpoint_id: UUID) -> EndpointRow | None:
        """Return one endpoint."""
        with self._database.connection() as connection:
            return _found(connection, endpoint_id)

    def create(
        self,
        *,
        url: str,
        description: str,
        kinds: Sequence[NotificationKind],
        secret: str,
        format: WebhookFormat = WebhookFormat.STANDARD,  # noqa: A002  as its column and its field are named
    ) -> EndpointRow:
        """Register an endpoint with its first secret. Raises TooManyError."""
        with self._database.transaction() as connection:
            lock_endpoints(connection)
            (counted,) = connection.execute(_COUNT).fetchall()
            if counted["count"] >= ENDPOINTS_MAX:
                raise TooManyError(f"there may be {ENDPOINTS_MAX} endpoints")
            (made,) = connection.execute(
                _CREATE, {"url": url, "description": description, "kinds": list(kinds), "format": format}
            ).fetchall()
            connection.execute(_ADD_SECRET, {**made, "secret": secret})
            (columns,) = connection.execute(_GET, made).fetchall()
        return _row(columns)

    def change(self, endpoint_id: UUID, change: EndpointChange) -> EndpointRow | None:
        """Change an endpoint and return the result; None if there is none."""
        kinds = None if change.kinds is None else list(change.kinds)
        with self._database.transaction() as connection:
            connection.execute(_CHANGE, {**vars(change), "kinds": kinds, "endpoint_id": endpoint_id})
            return _found(connection, endpoint_id)

    def delete(self, endpoint_id: UUID) -> bool:
        """Delete an endpoint with its secrets and deliveries; False if there is none."""
        with self._database.connection() as connection:
            return connection.execute(_DELETE, {"endpoint_id": endpoint_id}).rowcount == 1

    def add_secret(self, endpoint_id: UUID, secret: str) -> EndpointRow | None:
        """Add a secret that also signs; None if there is no such endpoint. Raises TooManyError."""
        with self._database.transaction() as connection:
            lock_endpoints(connection)
            row = _found(connection, endpoint_id)
            if row is None:
                return None
            if len(row.secrets) >= SECRETS_MAX:
                raise TooManyError(f"there may be {SECRETS_MAX} secrets of one endpoint")
            connection.execute(_ADD_SECRET, {"endpoint_id": endpoint_id, "secret": secret})
            return _found(connection, endpoint_id)

    def remove_secret(self, endpoint_id: UUID, secret_id: UUID) -> EndpointRow | None:
        """Remove a secret; None if there is no such endpoint or secret. Raises LastSecretError."""
        with self._database.transaction() as connection:
            lock_endpoints(connection)
            row = _found(connection, endpoint_id)
            if row is None or secret_id not in {secret.secret_id for secret in row.secrets}:
                return None
            if len(row.secrets) == 1:
                raise LastSecretError
            connection.execute(_REMOVE_SECRET, {"endpoint_id": endpoint_id, "secret_id": secret_id})
            return _found(connection, endpoint_id)


def _found(connection: Connection, endpoint_id: UUID) -> EndpointRow | None:
    columns = connection.execute(_GET, {"endpoint_id": endpoint_id}).fetchone()
    return None if columns is None else _row(columns)


def _row(columns: DictRow) -> EndpointRow:
    secrets = [
        SecretRow(UUID(secret["secret_id"]), datetime.fromisoformat(secret["created_at"]))
        for secret in columns["secrets"] or ()
    ]
    kinds = tuple(NotificationKind(kind) for kind in columns["kinds"])
    parsed = {"kinds": kinds, "secrets": tuple(secrets), "format": WebhookFormat(columns["format"])}
    return EndpointRow(**{**columns, **parsed})
