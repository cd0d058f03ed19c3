"""Advisory locks, by what they protect. Each is held until the transaction ends, or its connection is lost.

The numbers never change: during a rollout two releases run side by side and must exclude each other. 7602 belongs to
the SQL function creations_of_the_hour (migration 0008), which counts an owner's creations one after the other.
"""

from database.pool import Connection

# pg_advisory_lock(MIGRATIONS), of a session: two upgrades must not run at once. "videoupl" in ASCII.
MIGRATIONS = 0x766964656F75706C & 0x7FFFFFFFFFFFFFFF

_LOCK_TEXT = "SELECT pg_advisory_xact_lock(hashtextextended(%(text)s, 7603))"
_TRY_TEXT = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(text)s, 7603)) AS is_locked"
_LOCK_SUBMISSIONS = "SELECT pg_advisory_xact_lock(7605)"
_LOCK_ENDPOINTS = "SELECT pg_advisory_xact_lock(7604)"


def lock_claims(connection: Connection, video_id: str, attempt: int) -> None:
    """Wait until no other transaction counts the job claims of this attempt."""
    connection.execute(_LOCK_TEXT, {"text": f"{video_id}/{attempt}"})


def lock_submissions(connection: Connection) -> None:
    """Wait until no other transaction counts and records paid submissions."""
    connection.execute(_LOCK_SUBMISSIONS)


def lock_retranscodes(connection: Connection, owner: str) -> None:
    """Wait until no other transaction counts the re-transcodes and retries of this owner."""
    connection.execute(_LOCK_TEXT, {"text": owner})


def try_lock_idempotency_key(connection: Connection, owner: str, key: str) -> bool:
    """Lock the key without waiting; False while another transaction holds it."""
    # No owner contains a line feed, so no two pairs make the same text.
    (answer,) = connection.execute(_TRY_TEXT, {"text": f"{owner}\n{key}"}).fetchall()
    return bool(answer["is_locked"])


def lock_endpoints(connection: Connection) -> None:
    """Wait until no other transaction counts webhook endpoints or their secrets."""
    connection.execute(_LOCK_ENDPOINTS)
