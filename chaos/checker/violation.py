"""What a check reports: one sentence about one broken rule."""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What has to hold. The numbers are those of docs/invariants.md; the others are of a run as a whole."""

    PAID_ONCE = "1 one job for each attempt, and no more than was requested"
    COMES_TO_REST = "2 every upload comes to rest within the bound"
    STAYS_AT_REST = "3 what is at rest stays at rest until a person asks"
    PLAYABLE = "4 what is ready can be played, what is deleted cannot"
    NO_OLDER_WRITE = "5 no write replaces a newer one, and an idle pass writes nothing"
    ROW_IS_RESOURCE = "6 row and resource agree, both ways"
    NOTHING_LOST = "7 nothing is lost"
    OWNERS_APART = "8 nothing of one user reaches another"
    NO_SECRET = "9 no secret in a log, an Event, a status or a row"  # noqa: S105 - a rule
    NOTIFIED_ONCE = "10 every event is notified once, under one id"
    NO_ORPHAN = "no orphan in the bucket"
    NO_INTERNAL_ERROR = "no call fails with an internal error"
    FAULTS_FIRED = "every kind of fault fired, and every process was killed"


@dataclass(frozen=True)
class Violation:
    """A broken rule. ``video_id``: the upload whose life explains it, if it is about one."""

    rule: Rule
    text: str
    video_id: str | None = None
