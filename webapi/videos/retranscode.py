"""A new edition of a video that can be played already. What failed is retried instead: actions.py."""

import falcon

from database.retranscodes import Allowance
from domain.records import VideoRow
from domain.video import Phase, is_retranscodable
from webapi.http.authorization import changeable, owned
from webapi.http.problems import ProblemCode, ProblemError
from webapi.ports import Publisher, VideoCommands, VideoQueries
from webapi.videos.original import Originals
from webapi.videos.responder import Responder


class Retranscoding:
    """Records the wish for a new edition."""

    def __init__(self, commands: VideoCommands, originals: Originals, publisher: Publisher, *, per_day: int) -> None:
        self._commands = commands
        self._originals = originals
        self._publisher = publisher
        self._per_day = per_day

    def wished(self, row: VideoRow) -> VideoRow:
        """Return the video with a new edition on record: this one, or one that no pass has begun yet.

        Raises ProblemError, RetranscodesSpentError.
        """
        _refuse_deleted(changeable(row))
        if is_retranscodable(row.observed) and row.desired.edition <= row.observed.edition:
            self._originals.verified(row)
        after = self._commands.retranscode(row.desired.video_id, allowance=Allowance(row.desired.owner, self._per_day))
        _refuse_deleted(after)
        if after.desired.edition <= after.observed.edition:
            raise ProblemError(ProblemCode.NOT_RETRANSCODABLE, _why_not(after))
        self._publisher.enqueue(after.desired)
        return after


class Retranscode:
    """`/api/v1/videos/{video_id}/retranscode`."""

    def __init__(self, queries: VideoQueries, retranscoding: Retranscoding, responder: Responder) -> None:
        self._queries = queries
        self._retranscoding = retranscoding
        self._responder = responder

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Ask for a new edition, and show what the video waits for then. The old edition plays on."""
        row = self._retranscoding.wished(owned(self._queries, req, video_id))
        resp.status = falcon.HTTP_202
        self._responder.video(resp, row)


def _refuse_deleted(row: VideoRow) -> None:
    if row.desired.deleted:
        raise ProblemError(ProblemCode.NOT_RETRANSCODABLE, "the video is deleted; restore it first")


def _why_not(row: VideoRow) -> str:
    match row.observed.phase:
        case Phase.ERRORED:
            return "the newest edition failed; retry it instead"
        case Phase.READY:
            return "the stream is being put back in its place; ask again when the video is playable"
        case _:
            return "the newest edition is still in work"
