"""A new edition of a video that can be played already. What failed is retried instead: asking.py."""

import falcon

from database.retranscodes import Allowance
from domain.records import VideoRow
from domain.video import Phase, is_retranscodable
from webapi.http.authorization import changeable, owned
from webapi.http.problems import Code, ProblemError
from webapi.ports import Catalogue, Publisher, Wishes
from webapi.videos.original import Originals
from webapi.videos.responder import Showing


class Retranscoding:
    """Records the wish for a new edition."""

    def __init__(self, wishes: Wishes, originals: Originals, publisher: Publisher, *, per_day: int) -> None:
        self._wishes = wishes
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
        after = self._wishes.retranscode(row.desired.video_id, allowance=Allowance(row.desired.owner, self._per_day))
        _refuse_deleted(after)
        if after.desired.edition <= after.observed.edition:
            raise ProblemError(Code.NOT_RETRANSCODABLE, _why_not(after))
        self._publisher.offer(after.desired)
        return after


class Retranscode:
    """`/api/v1/videos/{video_id}/retranscode`."""

    def __init__(self, catalogue: Catalogue, retranscoding: Retranscoding, showing: Showing) -> None:
        self._catalogue = catalogue
        self._retranscoding = retranscoding
        self._showing = showing

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Ask for a new edition, and show what the video waits for then. The old edition plays on."""
        row = self._retranscoding.wished(owned(self._catalogue, req, video_id))
        resp.status = falcon.HTTP_202
        self._showing.video(resp, row)


def _refuse_deleted(row: VideoRow) -> None:
    if row.desired.deleted:
        raise ProblemError(Code.NOT_RETRANSCODABLE, "the video is deleted; restore it first")


def _why_not(row: VideoRow) -> str:
    match row.observed.phase:
        case Phase.ERRORED:
            return "the newest edition failed; retry it instead"
        case Phase.READY:
            return "the stream is being put back in its place; ask again when the video is playable"
        case _:
            return "the newest edition is still in work"
