"""`/api/v1/videos/{video_id}/events/stream`: a video as Server-Sent Events, one for each revision that is noticed."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime

import falcon

from database.queries import VideoQueries
from domain.records import VideoRow
from webapi.http.auth import caller_of
from webapi.http.authorization import owned
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.http.waiting import SuspendRequest, Turn, accepted_until, turn_of
from webapi.videos.serializers import Serializer
from webapi.waits import WaitingClient, WaitKind

MEDIA_EVENTS = "text/event-stream"
# When a client connects again after its stream has ended; spread, since all streams of a process end together.
_RECONNECT_MILLISECONDS = (1_000, 4_000)
# For a client that found no room: others leave within seconds.
_RETRY_AFTER_SECONDS = 10


class VideoStream:
    """`/api/v1/videos/{video_id}/events/stream`."""

    def __init__(self, queries: VideoQueries, serializer: Serializer, clock: Callable[[], datetime]) -> None:
        self._queries = queries
        self._serializer = serializer
        self._clock = clock

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Send the video now, unless the client has this revision, and again whenever it has changed.

        The server runs the request once more for each event (webapi/http/waiting.py); from the second run on, the
        response goes on where it was. A server that cannot wait ends the stream after its first event.
        """
        caller, turn = caller_of(req), turn_of(req)
        wait = turn.enter(WaitKind.STREAM, video_id, caller.owner) if turn is not None else None
        # Also where there is no room: who may not see the video gets a 404 all the same.
        row = owned(self._queries, req, video_id)
        resp.content_type = MEDIA_EVENTS
        resp.set_header("Cache-Control", "no-store")
        # nginx would collect events until its buffer is full.
        resp.set_header("X-Accel-Buffering", "no")
        if req.method == "HEAD":
            return
        if turn is not None and wait is None:
            raise HttpProblemError(
                ProblemCode.TEMPORARILY_UNAVAILABLE,
                "no more clients may wait for changes now; ask for the video instead",
                headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
            )
        events = self._events(turn, row, last_event_id=req.get_header("Last-Event-ID"))
        resp.stream = events if wait is None else _continued(events, wait, row.revisions.tag, accepted_until(req))

    def _events(self, turn: Turn | None, row: VideoRow, *, last_event_id: str | None) -> Iterator[bytes]:
        """Return what this run of the request adds to the stream."""
        revision, sent = row.revisions.tag, turn.sent if turn is not None else None
        if turn is not None:
            turn.sent = revision
        if sent is None:
            yield b"retry: %d\n\n" % random.randint(*_RECONNECT_MILLISECONDS)
        if revision != (sent or last_event_id):
            yield self._event(row, revision)

    def _event(self, row: VideoRow, revision: str) -> bytes:
        body = self._serializer.video(row, self._clock()).as_json()
        return b"id: %s\nevent: video\ndata: %s\n\n" % (revision.encode(), body)


def _continued(events: Iterator[bytes], wait: WaitingClient, revision: str, until: float) -> Iterator[bytes]:
    """Return the events, after which the response stays open instead of ending."""
    yield from events
    raise SuspendRequest(wait, revision, until)
