"""Invariant 7: what a client was promised, what was accepted and what was paid for is still there."""

from collections.abc import Iterator

from chaos.checker import keys
from chaos.checker.violation import Rule, Violation
from chaos.checker.world import VideoRecord, World

# These say that the original is gone or was replaced: a client's doing, which the upload reports.
_SOURCE_FAILURES = frozenset({"source_missing", "source_changed"})


def check(world: World) -> Iterator[Violation]:
    """Look for every upload that a client knows, for every accepted file, and for what the bucket's marks say."""
    first = dict[str, float]()
    for action in world.actions:
        if not action.is_import:
            first[action.video_id] = min(action.at, first.get(action.video_id, action.at))
    for video_id, at in first.items():
        if world.last_attempt(video_id) is None and not world.is_lost_with_dump(at):
            yield Violation(
                Rule.NOTHING_LOST, "a client got its id, but it has neither a row nor a tombstone", video_id
            )
    for video in world.videos.values():
        yield from _original(video, world)
    for key in world.objects:
        place = keys.place_of(key)
        if place is not None and place.area == keys.MARKS and place.video_id in world.videos:
            yield from _mark(world.videos[place.video_id], place.name)


def _original(video: VideoRecord, world: World) -> Iterator[Violation]:
    source = video.source
    if source is None or video.deleted or video.failure_code in _SOURCE_FAILURES:
        return
    stored = world.objects.get(video.original_key)
    if stored is None:
        yield Violation(Rule.NOTHING_LOST, f"its original {video.original_key} is not in the bucket", video.video_id)
    elif (stored.etag, stored.size) != (source.get("etag"), source.get("file_bytes")):
        text = f"its original {video.original_key} is not the file that was accepted"
        yield Violation(Rule.NOTHING_LOST, text, video.video_id)


def _mark(video: VideoRecord, name: str) -> Iterator[Violation]:
    folder, deletion = keys.marked_folder(name), keys.marked_deletion(name)
    attempt = None if folder is None else keys.attempt_of_folder(folder)
    if attempt is not None and attempt > video.attempt:
        text = f"the bucket has a mark of attempt {attempt}, and its row ends at {video.attempt}"
        yield Violation(Rule.NOTHING_LOST, text, video.video_id)
    if deletion is not None and not video.deleted and deletion > video.revision:
        text = f"the bucket has a mark of its deletion at revision {deletion}, and its row is at {video.revision}"
        yield Violation(Rule.NOTHING_LOST, text, video.video_id)
