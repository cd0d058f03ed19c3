"""New editions and retries that people request. Each may buy jobs, so those of owners are limited per day.

database/audit.py requests the edition of a video that lost its files, under a separate budget.
"""

from dataclasses import dataclass
from enum import StrEnum

from database.columns import VIDEO, fetch_video
from database.pool import Connection
from domain.records import VideoRow

_DAY_SECONDS = 86_400.0

# Where `is_retranscodable` of domain/video.py holds, and the last requested edition has begun. Rollouts request their
# editions under the same conditions (database/rollouts.py).
NEW_EDITION = "edition = edition + 1, revision = revision + 1, retired = false"
RETRANSCODABLE = "origin = 'api' AND NOT deleted AND phase = 'ready' AND is_playable"
_RETRANSCODE = f"""
UPDATE videos SET {NEW_EDITION}
WHERE video_id = %(video_id)s AND {RETRANSCODABLE} AND edition <= observed_edition
RETURNING {VIDEO}
"""  # noqa: S608 - a constant
# What an administrator requests for many videos is charged to no owner, as what a rollout requests.
OF_ADMINISTRATOR = f"""
UPDATE videos SET {NEW_EDITION}, rollout_edition = edition + 1
WHERE video_id = %(video_id)s AND {RETRANSCODABLE} AND edition <= observed_edition
RETURNING {VIDEO}
"""  # noqa: S608 - a constant

_COUNT = """
INSERT INTO retranscodes (video_id, kind, edition, owner)
SELECT %(video_id)s, %(kind)s, %(number)s, %(owner)s
WHERE (SELECT count(*) FROM retranscodes
       WHERE owner = %(owner)s AND kind = %(kind)s AND asked_at > clock_timestamp() - interval '1 day') < %(per_day)s
"""

# How long until the next request is allowed: until enough of those counted are more than a day old.
_OLDEST_COUNTED = """
SELECT extract(epoch FROM asked_at + interval '1 day' - clock_timestamp())::float AS seconds
FROM retranscodes WHERE owner = %(owner)s AND kind = %(kind)s AND asked_at > clock_timestamp() - interval '1 day'
ORDER BY asked_at DESC OFFSET %(per_day)s - 1 LIMIT 1
"""


class CountedRequest(StrEnum):
    """The kinds of requests that are counted, each against a limit of its own."""

    RETRANSCODE = "retranscode"
    RETRY = "retry"


@dataclass(frozen=True)
class Allowance:
    """Who asks, and how many requests of a kind are allowed in a day."""

    owner: str
    per_day: int


class RequestsSpentError(Exception):
    """The owner has made as many requests of a kind in the last day as allowed."""

    def __init__(self, kind: CountedRequest, *, per_day: int, retry_after_seconds: float) -> None:
        super().__init__(f"{per_day} requests of the kind {kind} in a day are allowed")
        self.kind = kind
        self.per_day = per_day
        self.retry_after_seconds = retry_after_seconds


def request_edition(connection: Connection, video_id: str, allowance: Allowance) -> VideoRow | None:
    """Request a new edition and count it; None if the video cannot be transcoded again.

    Raises RequestsSpentError; the transaction must then be rolled back.
    """
    changed = fetch_video(connection, _RETRANSCODE, {"video_id": video_id})
    if changed is not None:
        count(connection, CountedRequest.RETRANSCODE, video_id, changed.desired.edition, allowance)
    return changed


def count(connection: Connection, kind: CountedRequest, video_id: str, number: int, allowance: Allowance) -> None:
    """Count a request, under the lock of its owner. ``number``: of the edition or retry that it asks for.

    Raises RequestsSpentError; the transaction must then be rolled back.
    """
    counted = {"video_id": video_id, "kind": kind, "number": number, **vars(allowance)}
    if connection.execute(_COUNT, counted).rowcount == 0:
        seconds = _wait(connection, kind, allowance)
        raise RequestsSpentError(kind, per_day=allowance.per_day, retry_after_seconds=seconds)


def _wait(connection: Connection, kind: CountedRequest, allowance: Allowance) -> float:
    if allowance.per_day < 1:
        return _DAY_SECONDS
    oldest = connection.execute(_OLDEST_COUNTED, {"kind": kind, **vars(allowance)}).fetchone()
    return max(1.0, oldest["seconds"]) if oldest else 1.0
