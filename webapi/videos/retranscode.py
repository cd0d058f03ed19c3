"""A new edition of a playable video. A failed edition is retried instead (actions.py)."""

import falcon

from database.commands import VideoCommands
from database.queries import VideoQueries
from database.retranscodes import Allowance
from domain.records import VideoRow
from domain.video import Phase, is_retranscodable
from webapi.http.authorization import changeable, owned
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.ports import Publisher
from webapi.videos.original import Originals
from webapi.videos.responder import Responder


class Retranscodes:
    """Records requests for a new edition."""

    def __init__(self, commands: VideoCommands, originals: Originals, publisher: Publisher, *, per_day: int) -> None:
        self._commands = commands
        self._originals = originals
        self._publisher = publisher
        self._per_day = per_day

    def request(self, row: VideoRow, *, is_counted: bool = True, revision: int | None = None) -> VideoRow:
        """Record a new edition, unless one is waiting for its pass already. Return the video.

        ``is_counted``: whether it counts against the owner's limits; ``revision``: the only one that an edition which
        is not counted may change. Raises HttpProblemError, RequestsSpentError, VideoChangedError.
        """
        _refuse_deleted(changeable(row))
        if is_retranscodable(row.observed) and row.desired.edition <= row.observed.edition:
            self._originals.verified(row)
        allowance = Allowance(row.desired.owner, self._per_day) if is_counted else None
        after = self._commands.retranscode(row.desired.video_id, allowance=allowance, revision=revision)
        _refuse_deleted(after)
        if after.desired.edition <= after.observed.edition:
            raise HttpProblemError(ProblemCode.NOT_RETRANSCODABLE, _why_not(after))
        self._publisher.enqueue(after.desired)
        return after


class VideoRetranscode:
    """`/api/v1/videos/{video_id}/retranscode`."""

    def __init__(self, queries: VideoQueries, retranscodes: Retranscodes, responder: Responder) -> None:
        self._queries = queries
        self._retranscodes = retranscodes
        self._responder = responder

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Request a new edition, and show the video. The old edition plays on."""
        row = self._retranscodes.request(owned(self._queries, req, video_id))
        resp.status = falcon.HTTP_202
        self._responder.video(resp, row)


def _refuse_deleted(row: VideoRow) -> None:
    if row.desired.deleted:
        raise HttpProblemError(ProblemCode.NOT_RETRANSCODABLE, "the video is deleted; restore it first")


def _why_not(row: VideoRow) -> str:
    match row.observed.phase:
        case Phase.ERRORED:
            return "the newest edition failed; retry it instead"
        case Phase.READY:
            return "the stream is being restored; ask again when the video is playable"
        case _:
            return "the newest edition is still in progress"
