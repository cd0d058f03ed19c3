"""The poster of a video: choose a picture, or go back to the one of the transcode.

What a picture may contain is decided in domain/poster_picture.py. A call records what is wanted; the operator writes
the file (controller/actions/posters.py).
"""

import falcon

from database.commands import VideoCommands
from database.queries import VideoQueries
from domain.poster_picture import BYTES_MAX, PosterError, poster_of
from domain.records import VideoRow
from webapi.http.authorization import changeable, owned
from webapi.http.parsing import media_type_of, read_body
from webapi.http.problems import HttpProblemError, ProblemCode
from webapi.ports import Publisher
from webapi.schemas.requests import POSTER_TYPES
from webapi.videos.responder import Responder


class VideoPoster:
    """`/api/v1/videos/{video_id}/poster`."""

    def __init__(
        self, queries: VideoQueries, commands: VideoCommands, publisher: Publisher, responder: Responder
    ) -> None:
        self._queries = queries
        self._commands = commands
        self._publisher = publisher
        self._responder = responder

    def on_put(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Choose this picture as the poster, and show the video. Repeating it changes nothing."""
        row = _writable(owned(self._queries, req, video_id))
        if media_type_of(req) not in POSTER_TYPES:
            raise HttpProblemError(ProblemCode.UNSUPPORTED_MEDIA_TYPE, f"the body must be {' or '.join(POSTER_TYPES)}")
        try:
            picture = poster_of(read_body(req, at_most_bytes=BYTES_MAX))
        except PosterError as error:
            raise HttpProblemError(ProblemCode.INVALID_POSTER, str(error)) from error
        self._responder.video(resp, self._choose(row, picture))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Go back to the automatic poster. Repeating it changes nothing."""
        self._choose(_writable(owned(self._queries, req, video_id)), None)
        resp.status = falcon.HTTP_204

    def _choose(self, before: VideoRow, picture: bytes | None) -> VideoRow:
        after = _writable(self._commands.choose_poster(before.desired.video_id, picture))
        if after.desired.revision != before.desired.revision:
            self._publisher.enqueue(after.desired)
        return after


def _writable(row: VideoRow) -> VideoRow:
    if changeable(row).desired.deleted:
        raise HttpProblemError(ProblemCode.VIDEO_DELETED, "the video is deleted; nothing was changed")
    return row
