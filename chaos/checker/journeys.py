"""The ways of uploads to rest: from a request, through the phases, to `ready` or `errored`. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.checker.world import AT_REST, HistoryLine, VideoRecord, World

# How the history reports a pause, a deletion, and the end of both.
_OF_PEOPLE = ("a person ", "the video was ")


@dataclass(frozen=True)
class Journey:
    """From the creation of an upload, or a request for it, until it came to rest. ``ended_at``: None if it did not.

    ``is_held``: a person paused or deleted it on the way, so that nothing follows from how long it took.
    """

    video_id: str
    begun_at: float
    ended_at: float | None
    is_held: bool = False

    def seconds(self, until: float) -> float:
        """Return how long it took, or has taken."""
        return (self.ended_at or until) - self.begun_at


def journeys(world: World) -> Iterator[Journey]:
    """Yield those of every upload that has a row."""
    for video in world.videos.values():
        yield from _of_video(video, world.history_of.get(video.video_id, ()), world)


def _of_video(video: VideoRecord, history: Sequence[HistoryLine], world: World) -> Iterator[Journey]:
    begun: float | None = video.created_at
    ended, is_held = video.created_at, False
    for line in history:
        is_held = is_held or _is_held(line)
        if line.phase in AT_REST and begun is not None:
            yield Journey(video.video_id, begun, line.at, is_held)
            begun, ended, is_held = None, line.at, False
        elif line.phase not in AT_REST and begun is None:
            begun, is_held = _requested_at(video.video_id, world, ended, line.at), _is_held(line)
    if begun is None and video.has_new_request:
        begun = _requested_at(video.video_id, world, ended, world.run.ended_at)
    if begun is not None:
        is_held_now = video.is_paused or video.deleted
        if video.is_at_rest:
            yield Journey(video.video_id, begun, video.phase_since, is_held or is_held_now)
        else:
            yield Journey(video.video_id, begun, None, is_held_now)


def _requested_at(video_id: str, world: World, since: float, until: float) -> float:
    """Return when the edition or retry that begins at ``until`` was requested; a heal and kubectl leave no record."""
    requests = [request.at for request in world.requests_of.get(video_id, ()) if since < request.at <= until]
    return min(requests, default=until)


def _is_held(line: HistoryLine) -> bool:
    return line.message.startswith(_OF_PEOPLE)
