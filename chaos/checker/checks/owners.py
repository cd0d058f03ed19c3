"""Invariant 8: no request and no object of one user reads or changes another's."""

from collections.abc import Iterator

from chaos.checker import keys
from chaos.checker.violation import Rule, Violation
from chaos.checker.world import VideoRecord, World


def check(world: World) -> Iterator[Violation]:
    """Look at who got which answer, at where each video's files are, and at what is readable without a key."""
    owners = _owners(world)
    for answer in world.answers:
        video = world.videos.get(answer.video_id or "")
        if video is None or "/admin/" in answer.path or answer.status is None or answer.status >= 400:
            continue
        caller = owners.get(answer.client, answer.client)
        if caller != video.owner:
            text = f"{answer.client} got {answer.status} for {answer.method} {answer.path} of {video.owner!r}"
            yield Violation(Rule.OWNERS_APART, text, video.video_id)
    for video in world.videos.values():
        for problem in _misplaced(video):
            yield Violation(Rule.OWNERS_APART, problem, video.video_id)
    for notification in world.notifications:
        video = world.videos.get(notification.video_id)
        if video is not None and notification.owner != video.owner:
            text = f"{notification.kind} went to {notification.owner!r} instead of {video.owner!r}"
            yield Violation(Rule.OWNERS_APART, text, video.video_id)
    for key, fetched in world.fetched.items():
        if fetched.status == 200 and not key.startswith(f"{keys.PROCESSED}/"):
            place = keys.place_of(key)
            text = f"{key} can be read without a key"
            yield Violation(Rule.OWNERS_APART, text, place.video_id if place else None)


def _owners(world: World) -> dict[str, str]:
    """Return for whom each client acts: the owner of what it created; one that created nothing acts for its name."""
    created = [action for action in world.actions if action.did.startswith("creat") and action.video_id in world.videos]
    return {action.client: world.videos[action.video_id].owner for action in created}


def _misplaced(video: VideoRecord) -> Iterator[str]:
    own = f"{keys.IMPORTS}/" if video.is_import else f"{keys.UPLOADS}/{video.video_id}/"
    if not video.storage_key.startswith(own):
        yield f"its file is sent to {video.storage_key}"
    kept = (video.source or {}).get("key")
    if kept is not None and not kept.startswith(f"{keys.ORIGINALS}/{video.video_id}/"):
        yield f"its original is kept at {kept}"
    for rendition in (video.published or {}).get("renditions", ()):
        folder, slash, rest = rendition["uri"].partition("/")
        if keys.attempt_of_folder(folder) is None or not slash or ".." in rest.split("/"):
            yield f"it publishes {rendition['uri']}, which is in no folder of its attempts"
