"""Invariant 6: rows and resources agree, both ways. What changed while it was read is not judged here."""

from collections.abc import Iterator

from chaos.checker.violation import Rule, Violation
from chaos.checker.world import ResourceRecord, VideoRecord, World

_REFUSED = "ImportRefused"


def check(world: World) -> Iterator[Violation]:
    """Compare every row with its resource, and every resource with its row."""
    for video_id, video in world.videos.items():
        if not world.is_settled(video_id):
            continue
        resource = world.resources.get(video_id)
        for problem in _differences(video, resource) if resource else _missing(video):
            yield Violation(Rule.ROW_IS_RESOURCE, problem, video_id)
    for name, resource in world.resources.items():
        if name not in world.videos and name in world.earlier_resources and resource.reason != _REFUSED:
            yield Violation(Rule.ROW_IS_RESOURCE, f"its resource ({resource.phase}) has no row", name)


def _missing(video: VideoRecord) -> Iterator[str]:
    # Deleting the resource of an import deletes the video.
    if not video.retired and not (video.is_import and video.deleted):
        yield f"its row is {video.phase} and has not retired, but it has no resource"


def _differences(video: VideoRecord, resource: ResourceRecord) -> Iterator[str]:
    if resource.reason == _REFUSED:
        return
    if video.retired and not video.is_import:
        yield "its row has retired, but its resource is still there"
        return
    compared = [
        ("phase", video.shown_phase, resource.phase),
        ("observed revision", video.observed_revision, resource.status_revision),
        ("storage key", video.storage_key, resource.storage_key),
    ]
    # The spec of an import belongs to its owner.
    if not video.is_import:
        compared += [("revision", video.revision, resource.revision), ("owner", video.owner, resource.owner)]
    for name, of_row, of_resource in compared:
        if of_row != of_resource:
            yield f"its row has the {name} {of_row}, its resource {of_resource}"
