"""Retrying and restoring a video. Deleting is in videos.py, a new edition in retranscode.py."""

import falcon

from database.commands import VideoCommands
from database.queries import VideoQueries
from database.retranscodes import Allowance
from domain.records import VideoRow
from webapi.http.authorization import changeable, owned
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.ports import Publisher
from webapi.videos.responder import Responder


class Retries:
    """Records retries, for owners and administrators."""

    def __init__(self, commands: VideoCommands, publisher: Publisher, *, per_day: int) -> None:
        self._commands = commands
        self._publisher = publisher
        self._per_day = per_day

    def request(self, row: VideoRow, *, is_counted: bool = True, revision: int | None = None) -> VideoRow:
        """Record a retry, unless one is waiting for its pass already. Return the video.

        ``is_counted``: whether it is one of the owner's retries of a day; ``revision``: the only one that a retry
        which is not counted may change. Raises HttpProblemError, RequestsSpentError, VideoChangedError.
        """
        allowance = Allowance(row.desired.owner, self._per_day) if is_counted else None
        after = self._commands.retry(changeable(row).desired.video_id, allowance=allowance, revision=revision)
        if after.desired.deleted:
            raise HttpProblemError(ProblemCode.NOT_RETRYABLE, "the video is deleted; restore it first")
        if after.desired.retries <= after.observed.retries:
            raise HttpProblemError(ProblemCode.NOT_RETRYABLE, "the newest edition has not failed")
        self._publisher.enqueue(after.desired)
        return after


class VideoRetry:
    """`/api/v1/videos/{video_id}/retry`."""

    def __init__(self, queries: VideoQueries, retries: Retries, responder: Responder) -> None:
        self._queries = queries
        self._retries = retries
        self._responder = responder

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Retry the newest edition, and show the video."""
        row = self._retries.request(owned(self._queries, req, video_id))
        resp.status = falcon.HTTP_202
        self._responder.video(resp, row)


class VideoRestore:
    """`/api/v1/videos/{video_id}/restore`."""

    def __init__(
        self, queries: VideoQueries, commands: VideoCommands, publisher: Publisher, responder: Responder
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._publisher = publisher
        self._responder = responder

    def on_post(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Undo a deletion, and show the video. One that is not deleted stays unchanged."""
        row = changeable(owned(self._queries, req, video_id))
        if row.desired.deleted:
            row = self._restore(video_id)
            resp.status = falcon.HTTP_202
        self._responder.video(resp, row)

    def _restore(self, video_id: str) -> VideoRow:
        row = self._commands.restore(video_id)
        if row.desired.deleted:
            raise HttpProblemError(ProblemCode.NOT_RESTORABLE, "the video's files are about to be removed")
        self._publisher.enqueue(row.desired)
        return row
