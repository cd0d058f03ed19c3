"""Pages of videos: an owner's, and those of all owners."""

from collections.abc import Callable
from datetime import datetime

import falcon

from database.catalogue import Catalogue, CatalogueSelection
from database.queries import Selection, VideoQueries
from webapi.http.auth import caller_of
from webapi.http.paging import Paging
from webapi.http.parsing import read_query
from webapi.schemas.requests import ListCatalogue, ListVideos
from webapi.schemas.responses import AdminVideoList, VideoList
from webapi.videos.serializers import Serializer


class Lists:
    """Reads and serializes pages of videos."""

    def __init__(
        self, queries: VideoQueries, catalogue: Catalogue, serializer: Serializer, clock: Callable[[], datetime]
    ) -> None:
        self._queries = queries
        self._catalogue = catalogue
        self._serializer = serializer
        self._clock = clock

    def own(self, req: falcon.Request) -> VideoList:
        """Return a page of the caller's videos. Raises HttpProblemError."""
        query, owner, now = read_query(req, ListVideos), caller_of(req).owner, self._clock()
        paging = Paging("videos", owner, (query.status or "", query.deleted))
        page = self._queries.of_owner(
            Selection(owner, query.status, is_deleted=query.deleted == "true"),
            after=paging.cursor(query.page_token),
            at_most=query.page_size,
        )
        videos = tuple(self._serializer.video(row, now) for row in page.rows)
        return VideoList(videos=videos, next_page_token=paging.token(page.last))

    def all(self, req: falcon.Request) -> AdminVideoList:
        """Return a page of all owners' videos. Raises HttpProblemError."""
        query, now = read_query(req, ListCatalogue), self._clock()
        selection = CatalogueSelection(
            owner=query.owner,
            status=query.status,
            profile=query.profile,
            region=query.region,
            error_code=query.error_code,
            created_after=query.created_after,
            created_before=query.created_before,
            title=query.title,
            is_deleted=query.deleted == "true",
        )
        paging = Paging("catalogue", filters=tuple(str(value) for value in vars(selection).values()))
        page = self._catalogue.page(selection, after=paging.cursor(query.page_token), at_most=query.page_size)
        videos = tuple(self._serializer.admin_video(row, now) for row in page.rows)
        return AdminVideoList(videos=videos, next_page_token=paging.token(page.last))
