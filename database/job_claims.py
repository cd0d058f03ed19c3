"""What signed callbacks claimed: this job belongs to that attempt. Believed only after asking Coconut."""

from database import locks, wakeups
from database.pool import Database
from domain.records import Cause

# A job sends a handful of events; more different ids than this for one attempt cannot all be honest. The newest are
# kept: a callback URL that leaked must not let old lies keep the honest claim out.
_CLAIMS_MAX = 8

_RECORD = """
WITH recorded AS (
    INSERT INTO job_claims (video_id, attempt, job_id)
    SELECT %(video_id)s, %(attempt)s, %(job_id)s
    WHERE EXISTS (SELECT FROM attempts WHERE video_id = %(video_id)s AND attempt = %(attempt)s)
    ON CONFLICT DO NOTHING
    RETURNING job_id
)
DELETE FROM job_claims USING recorded
WHERE video_id = %(video_id)s AND attempt = %(attempt)s AND job_claims.job_id IN (
    SELECT job_id FROM job_claims WHERE video_id = %(video_id)s AND attempt = %(attempt)s
    ORDER BY claimed_at DESC, job_id DESC OFFSET %(at_most)s - 1
)
"""

# A job that is stored for another attempt would be refused every time.
_OF_ATTEMPT = """
SELECT job_id FROM job_claims AS claimed WHERE video_id = %(video_id)s AND attempt = %(attempt)s
  AND NOT EXISTS (SELECT FROM attempts AS other WHERE other.job_id = claimed.job_id
                  AND (other.video_id, other.attempt) <> (claimed.video_id, claimed.attempt))
ORDER BY claimed_at, job_id
"""


class Claims:
    """The claims of all attempts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, *, video_id: str, attempt: int, job_id: str) -> None:
        """Keep a verified callback's claim and nudge. A claim for an attempt we never made is dropped.

        Raises UnavailableError.
        """
        claim = {"video_id": video_id, "attempt": attempt, "job_id": job_id, "at_most": _CLAIMS_MAX}
        with self._database.transaction() as connection:
            # Concurrent callbacks would not see each other's claims and would pass the limit together.
            locks.lock_claims(connection, video_id, attempt)
            connection.execute(_RECORD, claim)
            wakeups.send(connection, wakeups.Wakeup(video_id, Cause.CLAIM))

    def of_attempt(self, video_id: str, attempt: int) -> list[str]:
        """Return the claimed job ids, oldest first. Raises UnavailableError."""
        with self._database.connection() as connection:
            claims = connection.execute(_OF_ATTEMPT, {"video_id": video_id, "attempt": attempt}).fetchall()
        return [columns["job_id"] for columns in claims]
