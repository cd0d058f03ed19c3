"""Invariant 5: observations only move forward, and an idle pass writes nothing."""

from collections.abc import Iterator
from itertools import pairwise

from chaos.checker.violation import Rule, Violation
from chaos.checker.world import ResourceRecord, VideoRecord, World


def check(world: World) -> Iterator[Violation]:
    """Look at the order of every history, and at what was written between the two readings."""
    for video_id, history in world.history_of.items():
        for before, after in pairwise(history):
            if after.at < before.at or after.attempt < before.attempt:
                text = f"revision {after.observed_revision} ({after.phase}, attempt {after.attempt}) follows "
                text += f"{before.observed_revision} ({before.phase}, attempt {before.attempt}), but is older"
                yield Violation(Rule.NO_OLDER_WRITE, text, video_id)
        video = world.videos.get(video_id)
        if video is not None and history[-1].observed_revision > video.observed_revision:
            text = f"its row is at revision {video.observed_revision}, its history at {history[-1].observed_revision}"
            yield Violation(Rule.NO_OLDER_WRITE, text, video_id)
    for video_id, earlier in world.earlier_videos.items():
        later = world.videos.get(video_id)
        if later is not None and _is_idle_write(earlier, later):
            text = f"at rest, its row went from revision {earlier.observed_revision} to {later.observed_revision}"
            yield Violation(Rule.NO_OLDER_WRITE, text, video_id)
    for name, resource in world.earlier_resources.items():
        if name in world.resources and _is_written_again(resource, world.resources[name]):
            yield Violation(Rule.NO_OLDER_WRITE, "its resource was written again without a change", name)


def _is_idle_write(before: VideoRecord, after: VideoRecord) -> bool:
    """Return whether the observation of an upload at rest changed, although nothing was requested.

    The removal of a failed upload's file, and of a deleted video's files, are work of their own.
    """
    is_idle = before.is_at_rest and not before.deleted and before.revision == after.revision
    return is_idle and before.observed_revision != after.observed_revision and after.reason != "FileRemoved"


def _is_written_again(before: ResourceRecord, after: ResourceRecord) -> bool:
    shown = [(one.revision, one.status_revision, one.annotations) for one in (before, after)]
    return before.version != after.version and shown[0] == shown[1]
