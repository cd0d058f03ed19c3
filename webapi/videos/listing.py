"""Lists of videos in pages: an owner's own, and the dead letters of all owners."""

from collections.abc import Callable
from datetime import datetime

import falcon

from database.queries import Selection
from domain.video import Phase
from webapi.http.auth import caller_of
from webapi.http.paging import Paging
from webapi.http.parsing import read_query
from webapi.ports import VideoQueries
from webapi.schemas.requests import ListDeadLetters, ListVideos
from webapi.schemas.responses import AdminVideoList, VideoList
from webapi.videos.serializers import Serializer


class Lists:
    """Makes the pages that requests ask for."""

    def __init__(self, queries: VideoQueries, serializer: Serializer, clock: Callable[[], datetime]) -> None:
        self._queries = queries
        self._serializer = serializer
        self._clock = clock

    def own(self, req: falcon.Request) -> VideoList:
        """Return a page of the caller's videos. Raises ProblemError."""
        asked, owner, now = read_query(req, ListVideos), caller_of(req).owner, self._clock()
        paging = Paging("videos", owner, (asked.status or "", asked.deleted))
        page = self._queries.of_owner(
            Selection(owner, asked.status, is_deleted=asked.deleted == "true"),
            after=paging.place(asked.page_token),
            at_most=asked.page_size,
        )
        videos = tuple(self._serializer.video(row, now) for row in page.rows)
        return VideoList(videos=videos, next_page_token=paging.token(page.last))

    def dead_letters(self, req: falcon.Request) -> AdminVideoList:
        """Return a page of everybody's dead letters. Raises ProblemError."""
        asked, now = read_query(req, ListDeadLetters), self._clock()
        paging = Paging("dead letters", filters=(Phase.ERRORED,))
        page = self._queries.dead_letters(after=paging.place(asked.page_token), at_most=asked.page_size)
        videos = tuple(self._serializer.admin_video(row, now) for row in page.rows)
        return AdminVideoList(videos=videos, next_page_token=paging.token(page.last))
