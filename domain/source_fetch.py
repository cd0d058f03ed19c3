"""A file that is fetched from a URL that its owner named: how far that is, and when it is tried again.

The effect is in controller/actions/source_fetch.py, the rules that lead to it in controller/rules/source_fetch.py.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.failures import Failure, FailureCode

# Tries in a row that brought no further part.
TRIES_MAX = 6
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 30.0, 1800.0
# What a server may ask for by Retry-After.
_LONGEST_PAUSE_SECONDS = 3600.0


class FetchResult(StrEnum):
    """How one try to fetch a file ended.

    FAILED: its server did, INTERRUPTED: an upstream of ours. ABANDONED: the file is no longer wanted.
    """

    STORED = "stored"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    ABANDONED = "abandoned"


@dataclass(frozen=True)
class SourceFetch:
    """How far the fetch of one file is. ``since``: the stay in `uploading` that this is about; others are past.

    ``version``: by which the server recognises the file that it began to send, None if a cut-off transfer starts over.
    ``file_bytes``: None if the server did not say. ``failed_tries``: since the last one that brought a part.
    ``interruptions``: tries in a row that an upstream of ours ended, which says nothing about the server.
    ``message``: how the last try ended, without the URL. ``code``: why there will be no other.
    """

    since: datetime
    version: str | None = None
    file_bytes: int | None = None
    stored_bytes: int = 0
    is_stored: bool = False
    failed_tries: int = 0
    interruptions: int = 0
    retry_at: datetime | None = None
    message: str | None = None
    code: FailureCode | None = None

    @property
    def percent(self) -> int:
        """Return how much of the file has arrived; 0 while its size is not known."""
        return self.stored_bytes * 100 // self.file_bytes if self.file_bytes else 0

    @property
    def failure(self) -> Failure | None:
        """Return why the file will not be fetched; None if it may be."""
        return None if self.code is None else Failure(self.code, self.message or self.code.value, attempt=0)


def pause_seconds(failed_tries: int, *, requested_seconds: float | None) -> float:
    """Return how long to wait before the next try. ``requested_seconds``: what the server asked for."""
    pause = min(_LAST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** max(0, failed_tries - 1))
    return max(pause, min(requested_seconds or 0.0, _LONGEST_PAUSE_SECONDS))
