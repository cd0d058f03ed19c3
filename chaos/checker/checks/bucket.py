"""No orphan in the bucket: every object belongs to a row that has a use for it.

What a careless client sends to its old URL, and what a job writes after its end, is removed by the audit: it counts
once it has been of no use for longer than the bound, which is since the video's last phase began or it was written.
"""

from collections.abc import Iterator

from chaos.checker import keys
from chaos.checker.keys import Place
from chaos.checker.violation import Rule, Violation
from chaos.checker.world import StoredObject, UnfinishedUpload, VideoRecord, World

_WAITING = frozenset({"pending", "uploading", "uploaded"})
# A backup with its row may still be restored: docs/operations.md, "Uploads in parts".
_WITHOUT_ROW_SECONDS = 8 * 86_400


def check(world: World) -> Iterator[Violation]:
    """Look at every object and at every open multipart upload."""
    marked = _marked_folders(world)
    for key, stored in world.objects.items():
        place = keys.place_of(key)
        if place is None:
            if key != keys.PROBE and not key.startswith(f"{keys.IMPORTS}/"):
                yield Violation(Rule.NO_ORPHAN, f"{key} lies in no video's folder")
            continue
        video = world.videos.get(place.video_id)
        problem = _without_row(stored, world) if video is None else _useless(video, place, marked)
        if problem is not None and (video is None or world.is_old(max(stored.modified_at, video.phase_since))):
            yield Violation(Rule.NO_ORPHAN, f"{key}: {problem}", place.video_id)
    for upload in world.open_uploads:
        place = keys.place_of(upload.key)
        video = world.videos.get(place.video_id) if place else None
        is_wanted = video is not None and video.phase in _WAITING and not video.deleted
        if not is_wanted and world.is_old(upload.begun_at) and not (video is None and _may_return(upload, world)):
            text = f"{upload.key}: a multipart upload is open that no row waits for"
            yield Violation(Rule.NO_ORPHAN, text, place.video_id if place else None)


def _may_return(upload: UnfinishedUpload, world: World) -> bool:
    """Return whether the row of an upload was lost with a dump so recently that the product still waits for it."""
    waits_until = upload.begun_at + _WITHOUT_ROW_SECONDS * world.run.scale
    return world.is_lost_with_dump(upload.begun_at) and world.run.ended_at < waits_until


def _without_row(stored: StoredObject, world: World) -> str | None:
    """Return why an object without a row is an orphan. Those of rows that a dump lost are in quarantine."""
    if stored.key in world.quarantined and world.is_lost_with_dump(_created_at(stored, world)):
        return None
    return "it has no row" + (" and is in quarantine" if stored.key in world.quarantined else "")


def _created_at(stored: StoredObject, world: World) -> float:
    """Return when the video of an object was created, as far as a client noted it."""
    place = keys.place_of(stored.key)
    noted = [action.at for action in world.actions if place is not None and action.video_id == place.video_id]
    return min(noted, default=stored.modified_at)


def _marked_folders(world: World) -> set[tuple[str, str]]:
    """Return the videos and folders that marks name: every attempt that is paid for has one."""
    places = [place for place in map(keys.place_of, world.objects) if place is not None and place.area == keys.MARKS]
    folders = [(place.video_id, keys.marked_folder(place.name)) for place in places]
    return {(video_id, folder) for video_id, folder in folders if folder is not None}


def _useless(video: VideoRecord, place: Place, marked: set[tuple[str, str]]) -> str | None:
    match place.area:
        case keys.UPLOADS:
            return _useless_upload(video)
        case keys.ORIGINALS:
            return _useless_original(video, place)
        case keys.WITHDRAWN:
            return None if video.deleted or video.is_withdrawn else "its video is not deleted"
        case keys.PROCESSED:
            return _useless_output(video, place, marked)
        case _:
            return None


def _useless_original(video: VideoRecord, place: Place) -> str | None:
    """Return why a kept copy is of no use. A failed upload keeps its file for a retry, whatever its row knows."""
    if video.reason == "FileRemoved":
        return "its upload failed, and what was sent was removed"
    is_another = video.source is not None and video.original_key != place.key
    return "another file was accepted" if is_another and video.is_at_rest and not video.deleted else None


def _useless_upload(video: VideoRecord) -> str | None:
    if video.reason == "FileRemoved":
        return "its upload failed, and what was sent was removed"
    has_copy = video.original_key != video.storage_key
    is_of_use = video.deleted or video.phase in _WAITING or not has_copy
    return None if is_of_use else "another file was accepted"


def _useless_output(video: VideoRecord, place: Place, marked: set[tuple[str, str]]) -> str | None:
    if video.deleted:
        return None  # the check of what can be played looks there
    if place.name in keys.STABLE or place.folder in keys.OF_OWNERS:
        return None if video.is_public or video.reason == "Publishing" else "its video is not public"
    attempt = keys.attempt_of_folder(place.folder)
    if attempt is None or attempt > video.attempt:
        return "no attempt of its row writes there"
    # Marks are written before anything is paid for.
    return None if (video.video_id, place.folder) in marked else "no mark names its folder"
