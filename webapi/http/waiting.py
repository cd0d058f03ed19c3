"""Calls that wait: how a resource asks the server to run a request again later, instead of answering it now.

Nothing here blocks. A request that has to wait raises `SuspendRequest`; the server keeps its connection without a
thread, and runs the same request again from its beginning when the video has changed or the time is over: so the
token, the owner and the video are checked each time as for any GET (docs/decisions/0024-waiting-clients.md). A server
that cannot wait, such as a test's client, passes no `Turn`, and every call answers at once.
"""

import time
from collections.abc import Callable

import falcon

from domain.records import VideoRow
from webapi.http.auth import caller_of, seconds_left_of
from webapi.waits import WaitingClient, WaitKind, Waits

# Where the WSGI environment holds the `Turn`.
TURN = "video_uploads.turn"
_BEFORE_EXPIRY_SECONDS = 2.0


class SuspendRequest(BaseException):
    """Ends one run of a request without an answer. No error: it passes the handlers of errors like GeneratorExit.

    ``revision``: what the client has or was just sent. ``until``: when to run the request again at the latest, on the
    monotonic clock. Raised while a body is read, it keeps the response open.
    """

    def __init__(self, wait: WaitingClient, revision: str, until: float) -> None:
        super().__init__(wait.video_id)
        self.wait = wait
        self.revision = revision
        self.until = until


class Turn:
    """What one request knows of its earlier runs. Used by one thread at a time.

    ``sent``: the revision of the last event that its stream has sent, None before the first run has ended.
    """

    def __init__(self, waits: Waits, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.waits = waits
        self.wait: WaitingClient | None = None
        self.sent: str | None = None
        self.began_at = monotonic()

    def enter(self, kind: WaitKind, video_id: str, owner: str) -> WaitingClient | None:
        """Register the request before its video is read; return None if it may not wait."""
        if self.wait is None:
            self.wait = self.waits.enter(kind, video_id, owner)
        else:
            self.waits.look_again(self.wait)
        return self.wait

    def leave(self) -> None:
        """Remove the request from the register."""
        if self.wait is not None:
            self.waits.leave(self.wait)
            self.wait = None


def turn_of(req: falcon.Request) -> Turn | None:
    """Return the turn of a request, None if it has to be answered at once."""
    turn = req.env.get(TURN)
    return turn if isinstance(turn, Turn) else None


def is_repeated(req: falcon.Request) -> bool:
    """Return whether this request has waited, and runs again: it is one call of its client, and counted as such."""
    turn = turn_of(req)
    return turn is not None and turn.wait is not None


def changed_row(
    req: falcon.Request, video_id: str, look: Callable[[], VideoRow], *, since: str | None, seconds: float
) -> VideoRow:
    """Return what ``look`` returns, once its revision is not ``since`` or ``seconds`` have passed since the request.

    Without ``since`` there is nothing to compare with, and the call answers at once. Raises SuspendRequest to wait.
    """
    turn = turn_of(req)
    if since is None or seconds <= 0 or turn is None:
        return look()
    caller = caller_of(req)
    wait = turn.enter(WaitKind.POLL, video_id, caller.owner)
    row = look()
    # While the token is accepted: the answer is the video and not a refusal.
    until = min(turn.began_at + seconds, accepted_until(req) - _BEFORE_EXPIRY_SECONDS)
    if wait is None or row.revisions.tag != since or time.monotonic() >= until or turn.waits.is_closed:
        return row
    raise SuspendRequest(wait, since, until)


def accepted_until(req: falcon.Request) -> float:
    """Return when the caller's token is refused as expired, on the monotonic clock."""
    return time.monotonic() + seconds_left_of(req)
