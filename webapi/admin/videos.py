"""The videos of all owners, for administrators: list them, and retry one."""

import falcon

from database.queries import VideoQueries
from webapi.http.auth import ADMIN_SCOPE
from webapi.http.authorization import existing
from webapi.videos.actions import Retries
from webapi.videos.listing import Lists
from webapi.videos.responder import Responder


class AdminVideos:
    """`/api/v1/admin/videos`."""

    scope = ADMIN_SCOPE

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show a page of the videos of all owners."""
        resp.data = self._lists.all(req).as_json()
        resp.set_header("Cache-Control", "private, no-cache")


class AdminRetry:
    """`/api/v1/admin/videos/{video_id}/retry`."""

    scope = ADMIN_SCOPE

    def __init__(self, queries: VideoQueries, retries: Retries, responder: Responder) -> None:
        self._queries = queries
        self._retries = retries
        self._responder = responder

    def on_post(self, _req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """Retry any owner's video, and show it."""
        row = self._retries.request(existing(self._queries, video_id), is_counted=False)
        resp.status = falcon.HTTP_202
        self._responder.admin_video(resp, row)
