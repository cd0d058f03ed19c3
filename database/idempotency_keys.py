"""Idempotency keys: an owner's request that is repeated under the same key creates no second video.

Everything happens inside the transaction that creates the video. An advisory lock reserves the key until the
transaction ends, even if the process or its connection dies, so no key can stay in use.
"""

from dataclasses import dataclass

from psycopg.rows import tuple_row

from database.columns import VIDEO, video_row
from database.locks import try_lock_idempotency_key
from database.pool import Connection
from domain.records import VideoRow

_KEPT = "interval '24 hours'"
_FIND = f"""
SELECT idempotency_keys.fingerprint, {VIDEO}
FROM idempotency_keys JOIN videos USING (video_id)
WHERE idempotency_keys.owner = %(owner)s AND idempotency_key = %(key)s
  AND idempotency_keys.created_at > clock_timestamp() - {_KEPT}
"""  # noqa: S608 - a constant

# A row that already exists is older than a day.
_KEEP = """
INSERT INTO idempotency_keys (owner, idempotency_key, fingerprint, video_id)
VALUES (%(owner)s, %(key)s, %(fingerprint)s, %(video_id)s)
ON CONFLICT (owner, idempotency_key) DO UPDATE
SET fingerprint = excluded.fingerprint, video_id = excluded.video_id, created_at = clock_timestamp()
"""

# Each new key removes a few old ones: they cannot pile up, and no request has to remove many.
_FORGET = f"""
DELETE FROM idempotency_keys WHERE (owner, idempotency_key) IN (
    SELECT owner, idempotency_key FROM idempotency_keys WHERE created_at < clock_timestamp() - {_KEPT}
    ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 - a constant


@dataclass(frozen=True)
class IdempotencyKey:
    """The client's name for its request. ``fingerprint``: of the request, 64 characters."""

    text: str
    fingerprint: str


class KeyInUseError(Exception):
    """A request of this owner under this key is still running."""


class KeyReusedError(Exception):
    """The key stands for another request of this owner."""


def made_before(connection: Connection, owner: str, key: IdempotencyKey) -> VideoRow | None:
    """Return the video created earlier under the key; None if the key is new and reserved by this transaction.

    Raises KeyInUseError, KeyReusedError.
    """
    if not try_lock_idempotency_key(connection, owner, key.text):
        raise KeyInUseError
    # A statement of its own, after the lock: it sees what the last holder has committed.
    return find(connection, owner, key)


def find(connection: Connection, owner: str, key: IdempotencyKey) -> VideoRow | None:
    """Return the video created earlier under the key, None if there is none yet. Raises KeyReusedError."""
    cursor = connection.cursor(row_factory=tuple_row)
    made = cursor.execute(_FIND, {"owner": owner, "key": key.text}).fetchone()
    if made is None:
        return None
    fingerprint, *video = made
    if fingerprint != key.fingerprint:
        raise KeyReusedError
    return video_row(video)


def keep(connection: Connection, owner: str, key: IdempotencyKey, video_id: str) -> None:
    """Store the video created under the key, and delete a few old keys."""
    made = {"owner": owner, "key": key.text, "fingerprint": key.fingerprint, "video_id": video_id}
    connection.execute(_KEEP, made)
    connection.execute(_FORGET)
