"""What people ask of a video after its upload: try again, bring it back. Deleting is in videos.py."""

import falcon

from domain.records import VideoRow
from webapi.http.authorization import changeable, owned
from webapi.http.problems import ProblemCode, ProblemError
from webapi.ports import Publisher, VideoCommands, VideoQueries
from webapi.videos.responder import Responder


class Retrying:
    """Records the wish for another try."""

    def __init__(self, commands: VideoCommands, publisher: Publisher) -> None:
        self._commands = commands
        self._publisher = publisher

    def retried(self, row: VideoRow) -> VideoRow:
        """Return the video with a retry on record: this one, or one that no pass has taken up yet.

        Raises ProblemError.
        """
        after = self._commands.retry(changeable(row).desired.video_id)
        if after.desired.deleted:
            raise ProblemError(ProblemCode.NOT_RETRYABLE, "the video is deleted; restore it first")
        if after.desired.retries <= after.observed.retries:
            raise ProblemError(ProblemCode.NOT_RETRYABLE, "the newest edition has not failed")
        self._publisher.enqueue(after.desired)
        return after


class Retry:
    """`/api/v1/videos/{video_id}/retry`."""

    def __init__(self, queries: VideoQueries, retrying: Retrying, responder: Responder) -> None:
        self._queries = queries
        self._retrying = retrying
        self._responder = responder

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Ask for another try of what failed, and show what the video waits for then."""
        row = self._retrying.retried(owned(self._queries, req, video_id))
        resp.status = falcon.HTTP_202
        self._responder.video(resp, row)


class Restore:
    """`/api/v1/videos/{video_id}/restore`."""

    def __init__(
        self, queries: VideoQueries, commands: VideoCommands, publisher: Publisher, responder: Responder
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._publisher = publisher
        self._responder = responder

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Take a deletion back, and show what the video waits for then. One that is not deleted stays as it is."""
        row = changeable(owned(self._queries, req, video_id))
        if row.desired.deleted:
            row = self._restored(video_id)
            resp.status = falcon.HTTP_202
        self._responder.video(resp, row)

    def _restored(self, video_id: str) -> VideoRow:
        row = self._commands.restore(video_id)
        if row.desired.deleted:
            raise ProblemError(ProblemCode.NOT_RESTORABLE, "the video's files are about to be removed")
        self._publisher.enqueue(row.desired)
        return row
