"""Invariant 4, and what follows from it for deleted videos: what an anonymous request gets from the bucket."""

import posixpath
import re
from collections.abc import Iterator

from chaos.checker import keys
from chaos.checker.violation import Rule, Violation
from chaos.checker.world import Fetched, VideoRecord, World

_URI_ATTRIBUTE = re.compile(r'URI="([^"]+)"')
_DEFAULT_WITHDRAWN_SECONDS = 60.0


def check(world: World) -> Iterator[Violation]:
    """Play every video that is ready, and look for public files of every other one."""
    for video in world.videos.values():
        if video.deleted:
            yield from _withdrawn(video, world)
        elif video.is_playable and video.reason != "Publishing":
            for problem in _problems(video, world):
                yield Violation(Rule.PLAYABLE, problem, video.video_id)
        elif video.phase == "ready":
            yield Violation(Rule.PLAYABLE, "its row is ready and not playable", video.video_id)


def _problems(video: VideoRecord, world: World) -> Iterator[str]:
    key = keys.stable_playlist(video.video_id)
    master = world.fetched.get(key)
    if video.published is None:
        yield "its row is playable, but nothing is published"
        return
    if master is None or master.status != 200:
        yield f"{key} cannot be read: {_status(master)}"
        return
    variants = list(references(key, master.text))
    folder = f"{keys.PROCESSED}/{video.video_id}/"
    published = {f"{folder}{rendition['uri']}" for rendition in video.published.get("renditions", ())}
    if not variants or set(variants) != published:
        yield f"{key} names {sorted(variants)}, its row {sorted(published)}"
    for variant in variants:
        yield from _problems_of_variant(variant, world)


def _problems_of_variant(key: str, world: World) -> Iterator[str]:
    playlist = world.fetched.get(key)
    if playlist is None or playlist.status != 200:
        yield f"{key} cannot be read: {_status(playlist)}"
        return
    segments = list(references(key, playlist.text))
    if not segments or "#EXT-X-ENDLIST" not in playlist.text:
        yield f"{key} is not a complete playlist"
    for segment in segments:
        file = world.fetched.get(segment)
        if file is None or file.status != 200 or file.size == 0:
            yield f"{segment} cannot be read: {_status(file)}"


def _status(file: Fetched | None) -> str:
    return "it is not in the bucket" if file is None else f"HTTP {file.status}, {file.size} bytes"


def references(key: str, playlist: str) -> Iterator[str]:
    """Yield the keys that a playlist names; its URIs are relative to it."""
    for line in playlist.splitlines():
        uris = _URI_ATTRIBUTE.findall(line) if line.startswith("#") else [line.strip()]
        for uri in uris:
            if uri:
                yield posixpath.normpath(posixpath.join(posixpath.dirname(key), uri.partition("?")[0]))


def _withdrawn(video: VideoRecord, world: World) -> Iterator[Violation]:
    """Find public files of a deleted video. What a job writes after the deletion is the audit's, later."""
    deleted_at = video.deleted_at or world.run.ended_at
    for key, file in world.objects.items():
        if not key.startswith(f"{keys.PROCESSED}/{video.video_id}/"):
            continue
        is_late = file.modified_at > deleted_at
        since = max(file.modified_at, deleted_at)
        if world.is_old(since) if is_late else since + _DEFAULT_WITHDRAWN_SECONDS < world.run.ended_at:
            yield Violation(Rule.PLAYABLE, f"it was deleted, and {key} is still public", video.video_id)
