"""`/api/v1/videos/{video_id}/events`: the history of a video."""

import falcon

from database.events import EventLog
from database.queries import VideoQueries
from webapi.http.authorization import owned
from webapi.schemas.responses import EventList
from webapi.videos import serializers

# A video has a few dozen transitions in its life.
EVENTS_MAX = 200


class VideoEvents:
    """`/api/v1/videos/{video_id}/events`."""

    def __init__(self, queries: VideoQueries, history: EventLog) -> None:
        self._queries = queries
        self._history = history

    def on_get(self, req: falcon.Request, resp: falcon.Response, video_id: str) -> None:
        """List the newest transitions, the newest last."""
        row = owned(self._queries, req, video_id)
        events = self._history.of_video(row.desired.video_id, at_most=EVENTS_MAX)
        resp.data = EventList(events=tuple(map(serializers.event, events))).as_json()
        resp.set_header("Cache-Control", "private, no-cache")
